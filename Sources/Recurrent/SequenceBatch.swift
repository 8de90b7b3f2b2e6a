// What one step reads: the sequences of some shards.

/// The sequences (or lanes) of one shard in one step.
public struct ShardSequences: Sendable, Equatable {
    /// The shard's index in the run.
    public var shard: Int
    /// One array of tokens a sequence, in descending order of length; may be empty.
    public var inputs: [[Int32]]
    /// The token to predict at each position, shaped as `inputs`; a negative one is not counted.
    public var targets: [[Int32]]

    /// The sequences of `shard`.
    public init(shard: Int, inputs: [[Int32]], targets: [[Int32]]) {
        precondition(inputs.map(\.count) == targets.map(\.count), "inputs and targets differ in shape")
        self.shard = shard
        self.inputs = inputs
        self.targets = targets
    }
}

/// The shards that are computed together.
public struct SequenceBatch: Sendable, Equatable {
    /// The shards in ascending order.
    public var shards: [ShardSequences]

    /// A batch of shards.
    public init(shards: [ShardSequences]) { self.shards = shards }

    /// The number of positions with a target.
    public var tokenCount: Int { shards.reduce(0) { $0 + $1.tokenCount } }
}

extension ShardSequences {
    /// The number of positions with a target.
    public var tokenCount: Int { targets.reduce(0) { sum, row in sum + row.reduce(0) { $1 < 0 ? $0 : $0 + 1 } } }
}
