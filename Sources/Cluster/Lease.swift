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
    /// The step, which says where in the data the shards are.
    public let step: Int
    /// The shards.
    public let span: ShardRange
    /// The version of the weights to compute with; in synchronous training the step.
    public let version: Int
    /// The number of the sum that the gradients belong to: the step, or without common steps the lease's own.
    public let sum: Int

    /// A lease of a step that all workers compute together.
    public init(identifier: Int, work: Work, step: Int, span: ShardRange) {
        self.init(identifier: identifier, work: work, step: step, span: span, version: step, sum: step)
    }

    /// A lease.
    public init(identifier: Int, work: Work, step: Int, span: ShardRange, version: Int, sum: Int) {
        self.identifier = identifier
        self.work = work
        self.step = step
        self.span = span
        self.version = version
        self.sum = sum
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

/// The sum of the outcomes of all shards, or of those of one node, along the reduction tree.
public struct StepOutcome: Sendable, Hashable {
    /// The sum of losses, in nats.
    public let loss: Double
    /// The number of tokens.
    public let tokens: Int

    /// Sums `outcomes`, one for each shard in ascending order, along the tree.
    public init(summing outcomes: [ShardOutcome], along tree: ReductionTree) {
        self.init(summing: outcomes, of: tree.root, along: tree)
    }

    /// Sums `outcomes`, one for each shard of a node of the tree in ascending order.
    public init(summing outcomes: [ShardOutcome], of root: ShardRange, along tree: ReductionTree) {
        precondition(outcomes.map(\.shard) == Array(root.indices), "one outcome for each shard, in order")
        func sum(_ node: ShardRange) -> Double {
            guard let (left, right) = tree.children(of: node) else { return outcomes[node.lower - root.lower].loss }
            return sum(left) + sum(right)
        }
        loss = sum(root)
        tokens = outcomes.reduce(0) { $0 + $1.tokens }
    }

    /// Nats a token.
    public var meanLoss: Double { tokens > 0 ? loss / Double(tokens) : 0 }
}
