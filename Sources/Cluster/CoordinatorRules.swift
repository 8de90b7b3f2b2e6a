// The rules of a run.

/// The rules of a run that the coordinator keeps.
public struct CoordinatorRules: Sendable {
    /// Shards of a step.
    public var shards: Int
    /// The steps of the whole run.
    public var totalSteps: Int
    /// Steps between evaluations, besides the one at the end; `nil` for no evaluation at all.
    public var evaluateEverySteps: Int?
    /// Steps between checkpoints.
    public var checkpointEverySteps: Int
    /// A worker that was silent for longer has lost its lease.
    public var silenceLimitSeconds: Double
    /// Whether all shards take their steps together.
    public var isSynchronous = true
    /// If not: versions that gradients may be behind when they are applied; `nil` for no bound.
    public var stalenessMax: Int?
    /// A worker that has not delivered a lease by then is given up although its heart beats; or by twenty times the
    /// usual duration of a step, if that is longer.
    public var leaseLimitSeconds = 60.0
    /// The same while no step has shown yet how long one takes.
    public var firstLeaseLimitSeconds = 600.0
    /// How long a result that cannot be used waits for another worker to compute the same.
    public var secondOpinionSeconds = 3.0
    /// The first step waits for this many workers …
    public var expectedWorkers: Int
    /// … but no longer than this once one is there.
    public var gatheringLimitSeconds: Double

    /// Rules.
    public init(
        shards: Int, totalSteps: Int, evaluateEverySteps: Int?, checkpointEverySteps: Int,
        silenceLimitSeconds: Double = 5, expectedWorkers: Int = 1, gatheringLimitSeconds: Double = 5
    ) {
        self.shards = shards
        self.totalSteps = totalSteps
        self.evaluateEverySteps = evaluateEverySteps
        self.checkpointEverySteps = checkpointEverySteps
        self.silenceLimitSeconds = silenceLimitSeconds
        self.expectedWorkers = expectedWorkers
        self.gatheringLimitSeconds = gatheringLimitSeconds
    }

    /// Whether a version is evaluated.
    public func evaluates(at version: Int) -> Bool {
        guard let evaluateEverySteps else { return false }
        return version == totalSteps || (evaluateEverySteps > 0 && version > 0 && version % evaluateEverySteps == 0)
    }

    /// Whether a version gets a checkpoint.
    public func checkpoints(at version: Int) -> Bool {
        version == totalSteps || (checkpointEverySteps > 0 && version > 0 && version % checkpointEverySteps == 0)
    }
}
