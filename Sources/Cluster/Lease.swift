// What a worker is asked to do, and what it reports.

import Numerics

/// The work of a lease.
public enum Work: Sendable, Hashable {
    /// The gradients of a step's shards; step *s* turns version *s* of the weights into version *s* + 1.
    case training
    /// The validation loss of the shards under a version of the weights.
    case evaluation
}

/// A span of shards given to one worker for one step.
public struct Lease: Sendable, Hashable {
    /// A number that no other lease of this incarnation has.
    public let identifier: Int
    /// What to compute.
    public let work: Work
    /// The step, which is also the version of the weights to compute with.
    public let step: Int
    /// The shards.
    public let span: ShardRange

    /// A lease.
    public init(identifier: Int, work: Work, step: Int, span: ShardRange) {
        self.identifier = identifier
        self.work = work
        self.step = step
        self.span = span
    }
}

/// What one shard's computation gave besides gradients.
public struct ShardOutcome: Sendable, Hashable {
    /// The shard.
    public let shard: Int
    /// The sum of the losses of the shard's tokens, in nats.
    public let loss: Double
    /// The number of tokens.
    public let tokens: Int

    /// An outcome.
    public init(shard: Int, loss: Double, tokens: Int) {
        self.shard = shard
        self.loss = loss
        self.tokens = tokens
    }
}

/// The sum of the outcomes of all shards, along the reduction tree.
public struct StepOutcome: Sendable, Hashable {
    /// The sum of losses, in nats.
    public let loss: Double
    /// The number of tokens.
    public let tokens: Int

    /// Sums `outcomes`, one for each shard in ascending order, along the tree.
    public init(summing outcomes: [ShardOutcome], along tree: ReductionTree) {
        precondition(outcomes.map(\.shard) == Array(0..<tree.shards), "one outcome for each shard, in order")
        func sum(_ node: ShardRange) -> Double {
            guard let (left, right) = tree.children(of: node) else { return outcomes[node.lower].loss }
            return sum(left) + sum(right)
        }
        loss = sum(tree.root)
        tokens = outcomes.reduce(0) { $0 + $1.tokens }
    }

    /// Nats a token.
    public var meanLoss: Double { tokens > 0 ? loss / Double(tokens) : 0 }
}
