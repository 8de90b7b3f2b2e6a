// What a line of the ledger can say.

/// One entry of the ledger. In JSON each is one object whose key `kind` names the case.
public enum LedgerRecord: Equatable, Sendable {
    /// A life of the server begins.
    case life(LifeRecord)
    /// A synchronous step was applied.
    case step(StepRecord)
    /// One worker's contribution was applied, in a mode that does not wait for all.
    case update(UpdateRecord)
    /// A checkpoint was written.
    case checkpoint(CheckpointRecord)
    /// A key of the configuration has another value from here on.
    case change(ChangeRecord)
    /// Weights were evaluated on the validation data.
    case evaluation(EvaluationRecord)
    /// A life of the server ends in good order.
    case end(EndRecord)

    /// The step, or version of the weights, that the record is about.
    public var step: Int {
        switch self {
        case .life(let record): record.version
        case .step(let record): record.step
        case .update(let record): record.step
        case .checkpoint(let record): record.version
        case .change(let record): record.version
        case .evaluation(let record): record.step
        case .end(let record): record.version
        }
    }

    /// The server's life that wrote it.
    public var incarnation: UInt64 {
        switch self {
        case .life(let record): record.incarnation
        case .step(let record): record.incarnation
        case .update(let record): record.incarnation
        case .checkpoint(let record): record.incarnation
        case .change(let record): record.incarnation
        case .evaluation(let record): record.incarnation
        case .end(let record): record.incarnation
        }
    }
}

extension LedgerRecord: Decodable {
    private enum Kind: String, Decodable { case life, step, update, checkpoint, change, evaluation, end }

    private enum CodingKeys: String, CodingKey { case kind }

    /// Reads a record of any kind, and checks that its numbers are such as a server can have written.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .life: self = .life(try LifeRecord(from: decoder))
        case .step: self = .step(try StepRecord(from: decoder))
        case .update: self = .update(try UpdateRecord(from: decoder))
        case .checkpoint: self = .checkpoint(try CheckpointRecord(from: decoder))
        case .change: self = .change(try ChangeRecord(from: decoder))
        case .evaluation: self = .evaluation(try EvaluationRecord(from: decoder))
        case .end: self = .end(try EndRecord(from: decoder))
        }
        guard numbers.allSatisfy({ (0...LedgerLimits.numberMax).contains($0) }) else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: [],
                    debugDescription: "a count or step is not one of 0 to \(LedgerLimits.numberMax)"))
        }
        guard seconds.allSatisfy({ (0...LedgerLimits.secondsMax).contains($0) }) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "a time is not one of 0 to \(LedgerLimits.secondsMax) s"))
        }
    }

    /// All whole numbers that an audit counts with.
    private var numbers: [Int] {
        switch self {
        case .life(let record):
            [record.version, record.shards, record.stepsPerEpoch, record.totalSteps, record.partitions]
        case .step(let record):
            [record.step, record.duplicatesRefused, record.speculationsWon] + record.tokens
                + record.spans.flatMap { [$0.lower, $0.upper] }
        case .update(let record):
            [record.version, record.step, record.basis, record.span.lower, record.span.upper, record.duplicatesRefused]
                + record.tokens
        case .checkpoint(let record): [record.version]
        case .change(let record): [record.version]
        case .evaluation(let record): [record.version, record.step, record.tokens]
        case .end(let record): [record.version]
        }
    }

    private var seconds: [Double] {
        switch self {
        case .step(let record): record.spans.map(\.seconds)
        case .update(let record): [record.span.seconds]
        case .life, .checkpoint, .change, .evaluation, .end: []
        }
    }
}

/// Bounds that every line keeps.
enum LedgerLimits {
    /// Of counts and steps; sums of many are still far from an overflow.
    static let numberMax = 1 << 40
    /// Of a span's computing.
    static let secondsMax = 1e9
    /// Bytes of a line: 4,000 shards, each computed by a worker with a long name, are less.
    static let lineBytesMax = 4 << 20
}
