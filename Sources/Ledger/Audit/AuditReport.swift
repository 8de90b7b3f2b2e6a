// What an audit says of one run.

/// A life of the server, as an audit sums it up.
public struct LifeSummary: Codable, Equatable, Sendable {
    /// The number of the life.
    public var incarnation: UInt64
    /// When it began, in coordinated universal time.
    public var started: String
    /// The library.
    public var library: String
    /// How many processes shared the parameters.
    public var partitions: Int
    /// The version of the weights that it began with.
    public var began: Int
    /// The version of the weights that it reached.
    public var reached: Int
    /// How it ended; missing for one that was killed, or still lives.
    public var end: EndRecord.How?

    init(_ record: LifeRecord) {
        incarnation = record.incarnation
        started = record.started
        library = record.library
        partitions = record.partitions
        began = record.version
        reached = record.version
    }
}

/// What a worker did in all lives together.
public struct WorkerShare: Codable, Equatable, Sendable {
    /// Its name.
    public var worker: String
    /// The shards that it computed.
    public var shards = 0
    /// The seconds that it computed.
    public var seconds = 0.0

    init(worker: String) { self.worker = worker }
}

/// What the ledger of a run proves.
public struct AuditReport: Codable, Equatable, Sendable {
    /// The run's directory, as it was given.
    public var directory: String
    /// The run's identifier.
    public var run: String
    /// How the workers' contributions are combined.
    public var consistency: String
    /// Whether nothing is wrong.
    public var isProven: Bool
    /// Up to which step it is proven that every example was counted once.
    public var provenSteps: Int
    /// The version of the weights that the ledger ends at; in synchronous runs the number of steps.
    public var version: Int
    /// The steps of the whole run.
    public var totalSteps: Int
    /// Whether the run is over.
    public var isComplete: Bool
    /// The steps of one pass over the data.
    public var stepsPerEpoch: Int
    /// The shards of a step.
    public var shards: Int
    /// Whole epochs among the proven steps.
    public var provenEpochs: Int
    /// The examples of an epoch: lines, or a lane's tokens of one step.
    public var examplesPerEpoch: Int
    /// The tokens of an epoch.
    public var tokensPerEpoch: Int
    /// The tokens of all steps.
    public var tokens: Int
    /// Steps that were computed again after a restart, with the same bits.
    public var redoneSteps: Int
    /// The lives of the server.
    public var lives: [LifeSummary]
    /// Who computed how much, by name.
    public var workers: [WorkerShare]
    /// Partial sums that came twice or too late, and were dropped.
    public var duplicatesRefused: Int
    /// Spans that a second worker computed faster.
    public var speculationsWon: Int
    /// The most updates that were applied between the weights of a contribution and itself; missing in synchronous
    /// runs.
    public var stalenessMax: Int?
    /// The keys of the configuration that got other values in the midst of the run, in order.
    public var changes: [ChangeRecord]
    /// The validation losses that count in the end, by step.
    public var evaluations: [EvaluationRecord]
    /// The versions of which the ledger keeps digests.
    public var digests: Int
    /// The checkpoints on disk whose files are what the ledger says.
    public var checkpoints: [Int]
    /// What is worth telling, and no fault of the run.
    public var notes: [String]
    /// How many things are wrong.
    public var violationCount: Int
    /// The first of them, at most 100.
    public var violations: [LedgerViolation]
}
