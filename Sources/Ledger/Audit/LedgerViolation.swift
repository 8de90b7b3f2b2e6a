// What an audit can find.

/// Something in a ledger that a run without faults cannot have written.
public struct LedgerViolation: Codable, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A line makes no sense.
        case unreadableLine
        /// A line does not follow from the one before it: lines were changed, removed, added or moved.
        case brokenChain
        /// A record belongs to no life, or to another one than its neighbours.
        case wrongLife
        /// A life begins where no earlier one has been.
        case impossibleBeginning
        /// Something that all lives of a run have in common has changed.
        case changedRun
        /// A step was never applied.
        case missingStep
        /// A step was applied twice by one life, or out of its order.
        case repeatedStep
        /// A step that the run does not have.
        case impossibleStep
        /// The spans of a step do not hold each shard once.
        case wrongSpans
        /// Other numbers of tokens than the shards' examples have.
        case wrongTokens
        /// A loss or norm that is no finite number.
        case notFinite
        /// A step that was redone came out otherwise.
        case redoneDiffers
        /// An example was not counted exactly once in an epoch.
        case wrongCoverage
        /// A checkpoint is not what the ledger says.
        case wrongCheckpoint
        /// The ledger ends before the run did.
        case endMissing
        /// Something follows the end of a life.
        case recordAfterEnd
    }

    /// What is wrong.
    public var kind: Kind
    /// The step concerned; the first is 1.
    public var step: Int?
    /// The line of the ledger, from 1.
    public var line: Int?
    /// What was found, and what was expected.
    public var message: String

    /// A violation.
    public init(_ kind: Kind, step: Int? = nil, line: Int? = nil, _ message: String) {
        self.kind = kind
        self.step = step
        self.line = line
        self.message = message
    }

    /// "line 12, step 7: …"
    public var description: String {
        let place = [line.map { "line \($0)" }, step.map { "step \($0)" }].compactMap { $0 }.joined(separator: ", ")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}

/// The violations that an audit keeps; of a ledger that is wrong throughout the first ones say enough.
struct ViolationList {
    private static let countMax = 100
    private(set) var first: [LedgerViolation] = []
    private(set) var count = 0
    /// The lowest step concerned.
    private(set) var lowestStep: Int?

    mutating func add(_ violation: LedgerViolation) {
        count += 1
        if first.count < Self.countMax { first.append(violation) }
        // What concerns no step concerns all.
        lowestStep = min(lowestStep ?? .max, violation.step ?? 0)
    }
}
