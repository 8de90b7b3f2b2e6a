// Beginning and end of a server's life.

/// A life of the server begins: what it continues, and under which conditions.
public struct LifeRecord: Decodable, Equatable, Sendable {
    /// The number of the life; rises with every start.
    public var incarnation: UInt64
    /// The version of the weights that it begins with: that of the checkpoint it restored, or 0.
    public var version: Int
    /// SHA-256 by file name of the checkpoint that it restored; empty for a new run.
    public var restored: [String: String]
    /// The run's identifier.
    public var run: String
    /// The version of the library.
    public var library: String
    /// When, in coordinated universal time (ISO 8601).
    public var started: String
    /// How the workers' contributions are combined, as the configuration has it.
    public var consistency: String
    /// The shards of a step.
    public var shards: Int
    /// The steps of one pass over the training data.
    public var stepsPerEpoch: Int
    /// The steps of the whole run.
    public var totalSteps: Int
    /// How many processes share the parameters.
    public var partitions: Int
    /// SHA-256 of the prepared data, by name.
    public var data: [String: String]

    /// The value of ``consistency`` in which every step waits for all shards.
    public static let synchronous = "synchronous"

    /// A record.
    public init(
        incarnation: UInt64, version: Int, restored: [String: String] = [:], run: String, library: String,
        started: String, consistency: String = synchronous, shards: Int, stepsPerEpoch: Int, totalSteps: Int,
        partitions: Int = 1, data: [String: String] = [:]
    ) {
        self.incarnation = incarnation
        self.version = version
        self.restored = restored
        self.run = run
        self.library = library
        self.started = started
        self.consistency = consistency
        self.shards = shards
        self.stepsPerEpoch = stepsPerEpoch
        self.totalSteps = totalSteps
        self.partitions = partitions
        self.data = data
    }
}

/// A life of the server ends in good order. Of one that was killed there is no such record.
public struct EndRecord: Decodable, Equatable, Sendable {
    /// How a life can end.
    public enum How: String, Codable, Sendable {
        /// All steps are done.
        case completed
        /// On request; to be continued.
        case stopped
        /// Something failed; see the reason.
        case failed
    }

    /// The life.
    public var incarnation: UInt64
    /// The version of the weights at the end.
    public var version: Int
    /// How it ended.
    public var how: How
    /// Why it failed.
    public var reason: String?

    /// A record.
    public init(incarnation: UInt64, version: Int, how: How, reason: String? = nil) {
        self.incarnation = incarnation
        self.version = version
        self.how = how
        self.reason = reason
    }
}
