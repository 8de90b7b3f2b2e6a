// The sum of one step's gradients, chunk by chunk along the tree, in whatever order they come.

import Numerics

/// What became of a partial sum that came in.
public enum ReductionVerdict: Sendable, Hashable {
    /// It was new; `completed` says that the chunk is now summed over all shards.
    case accepted(completed: Bool)
    /// Its shards were already in: dropped. Equal bits were there before.
    case duplicate
}

/// The partial sums of one step. A payload is whatever holds the values of one node of one chunk; `combine` makes the
/// payload of left + right.
///
/// Exactly once: a node is accepted only if none of its shards is in yet, or if it contains nodes that came in
/// smaller pieces, which it then replaces (a crashed worker's span was divided otherwise the second time).
public struct GradientReduction<Payload> {
    private struct Chunk {
        var nodes: [ShardRange: Payload] = [:]
    }

    private let tree: ReductionTree
    /// What is summed: all shards, or those of one node.
    public let root: ShardRange
    private var chunks: [Chunk]
    /// The number of chunks summed over all shards.
    public private(set) var completedChunks = 0

    /// A reduction of `chunkCount` chunks along `tree`, up to `root` (a node; `nil` for the tree's root).
    public init(tree: ReductionTree, root: ShardRange? = nil, chunkCount: Int) {
        self.tree = tree
        self.root = root ?? tree.root
        precondition(tree.isNode(self.root), "\(self.root) is no node of the tree over \(tree.shards) shards")
        chunks = Array(repeating: Chunk(), count: chunkCount)
    }

    /// Whether all chunks are summed over all shards.
    public var isComplete: Bool { completedChunks == chunks.count }

    /// Takes the partial sum of `node` for `chunk`. The node must be one of the tree's, the chunk one of the layout's:
    /// the shell has checked both.
    public mutating func insert(
        _ payload: Payload, chunk: Int, node: ShardRange, combine: (_ left: Payload, _ right: Payload) -> Payload
    ) -> ReductionVerdict {
        precondition(tree.isNode(node), "\(node) is no node of the tree over \(tree.shards) shards")
        precondition(root.contains(node), "\(node) is no part of \(root)")
        let present = chunks[chunk].nodes
        if present.keys.contains(where: { $0.contains(node) }) { return .duplicate }
        for key in present.keys where node.contains(key) { chunks[chunk].nodes[key] = nil }
        var current = node
        var sum = payload
        while current != root, let (parent, sibling, isLeft) = tree.parent(of: current),
            let other = chunks[chunk].nodes[sibling]
        {
            chunks[chunk].nodes[sibling] = nil
            sum = isLeft ? combine(sum, other) : combine(other, sum)
            current = parent
        }
        chunks[chunk].nodes[current] = sum
        guard current == root else { return .accepted(completed: false) }
        completedChunks += 1
        return .accepted(completed: true)
    }

    /// Whether every chunk holds all shards of `span`.
    public func covers(_ span: ShardRange) -> Bool {
        chunks.allSatisfy { chunk in
            span.indices.allSatisfy { shard in chunk.nodes.keys.contains { $0.contains(ShardRange(shard, shard + 1)) } }
        }
    }

    /// The sum over all shards of the root of one chunk; `nil` while shards are missing.
    public func total(chunk: Int) -> Payload? { chunks[chunk].nodes[root] }
}
