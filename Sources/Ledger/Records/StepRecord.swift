// Applied steps, applied updates, and checkpoints.

/// Who computed which shards.
public struct SpanRecord: Decodable, Equatable, Sendable {
    /// The first shard.
    public var lower: Int
    /// One past the last shard.
    public var upper: Int
    /// The worker's name.
    public var worker: String
    /// How long it computed, in seconds, to the microsecond.
    public var seconds: Double

    /// A record; a time that cannot be becomes 0.
    public init(lower: Int, upper: Int, worker: String, seconds: Double) {
        self.lower = lower
        self.upper = upper
        self.worker = worker
        self.seconds = seconds >= 0 && seconds <= LedgerLimits.secondsMax ? (seconds * 1e6).rounded() / 1e6 : 0
    }
}

/// A synchronous step was applied. Loss and norm are there to the last bit: two runs that part anywhere differ in them
/// at the next step.
public struct StepRecord: Decodable, Equatable, Sendable {
    /// The version of the weights after it; the first step is 1.
    public var step: Int
    /// The life that applied it.
    public var incarnation: UInt64
    /// Nats a token.
    public var loss: Double
    /// The norm of the mean gradient before clipping.
    public var gradientNorm: Double
    /// The tokens counted, shard by shard.
    public var tokens: [Int]
    /// Who computed what, ascending; each shard once.
    public var spans: [SpanRecord]
    /// Partial sums that came twice or too late, and were dropped, since the step before.
    public var duplicatesRefused: Int
    /// Spans of the step that were leased to a second worker, who was faster.
    public var speculationsWon: Int

    /// A record.
    public init(
        step: Int, incarnation: UInt64, loss: Double, gradientNorm: Double, tokens: [Int], spans: [SpanRecord],
        duplicatesRefused: Int = 0, speculationsWon: Int = 0
    ) {
        self.step = step
        self.incarnation = incarnation
        self.loss = loss
        self.gradientNorm = gradientNorm
        self.tokens = tokens
        self.spans = spans
        self.duplicatesRefused = duplicatesRefused
        self.speculationsWon = speculationsWon
    }
}

/// One worker's contribution was applied by itself, in a mode that does not wait for all.
public struct UpdateRecord: Decodable, Equatable, Sendable {
    /// The version of the weights after it.
    public var version: Int
    /// The life that applied it.
    public var incarnation: UInt64
    /// The step whose examples it learnt from; the first is 1.
    public var step: Int
    /// The shards of that step, and who computed them.
    public var span: SpanRecord
    /// The version of the weights that it was computed with.
    public var basis: Int
    /// Nats a token.
    public var loss: Double
    /// The norm of the mean gradient before clipping.
    public var gradientNorm: Double
    /// The tokens counted, shard by shard of the span.
    public var tokens: [Int]
    /// Contributions that came twice or too late, and were dropped, since the update before.
    public var duplicatesRefused: Int

    /// How many updates were applied between the weights that it was computed with and itself.
    public var staleness: Int { version - 1 - basis }

    /// A record.
    public init(
        version: Int, incarnation: UInt64, step: Int, span: SpanRecord, basis: Int, loss: Double, gradientNorm: Double,
        tokens: [Int], duplicatesRefused: Int = 0
    ) {
        self.version = version
        self.incarnation = incarnation
        self.step = step
        self.span = span
        self.basis = basis
        self.loss = loss
        self.gradientNorm = gradientNorm
        self.tokens = tokens
        self.duplicatesRefused = duplicatesRefused
    }
}

/// A checkpoint was written.
public struct CheckpointRecord: Decodable, Equatable, Sendable {
    /// The version of the weights in it.
    public var version: Int
    /// The life that wrote it.
    public var incarnation: UInt64
    /// SHA-256 by file name: the same for every run with these weights, whatever its cluster.
    public var files: [String: String]

    /// A record.
    public init(version: Int, incarnation: UInt64, files: [String: String]) {
        self.version = version
        self.incarnation = incarnation
        self.files = files
    }
}
