// The fixed binary tree along which shard gradients are summed.

/// A contiguous range of shards: a span leased to a worker, or a node of the reduction tree.
public struct ShardRange: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The first shard.
    public let lower: Int
    /// One past the last shard.
    public let upper: Int

    /// The shards `lower..<upper`.
    public init(_ lower: Int, _ upper: Int) {
        precondition(lower <= upper, "a range of shards cannot end before it starts")
        self.lower = lower
        self.upper = upper
    }

    /// The number of shards.
    public var count: Int { upper - lower }
    /// The shards.
    public var indices: Range<Int> { lower..<upper }
    /// Whether every shard of `other` is in this range.
    public func contains(_ other: ShardRange) -> Bool { lower <= other.lower && other.upper <= upper }
    /// "[0, 4)"
    public var description: String { "[\(lower), \(upper))" }

    /// By the first shard, then by the last.
    public static func < (left: ShardRange, right: ShardRange) -> Bool {
        (left.lower, left.upper) < (right.lower, right.upper)
    }
}

/// The binary tree over `shards` leaves: a node [lo, hi) is the sum of [lo, mid) and [mid, hi) with
/// mid = lo + ⌈(hi − lo) / 2⌉. It depends on nothing but the number of shards, so the sum has the same bits
/// whoever computed which part.
public struct ReductionTree: Sendable, Equatable {
    /// The number of leaves.
    public let shards: Int

    /// The tree over `shards` leaves, at least one.
    public init(shards: Int) {
        precondition(shards > 0, "a reduction tree has at least one shard")
        self.shards = shards
    }

    /// The node that is the sum of all shards.
    public var root: ShardRange { ShardRange(0, shards) }

    /// The two nodes that `node` is the sum of; `nil` for a leaf.
    public func children(of node: ShardRange) -> (left: ShardRange, right: ShardRange)? {
        guard node.count > 1 else { return nil }
        let middle = node.lower + (node.count + 1) / 2
        return (ShardRange(node.lower, middle), ShardRange(middle, node.upper))
    }

    /// The node that `node` is a child of, and its sibling there; `nil` for the root and for a range that is no node.
    public func parent(of node: ShardRange) -> (parent: ShardRange, sibling: ShardRange, isLeft: Bool)? {
        var current = root
        while let (left, right) = children(of: current) {
            if left == node { return (current, right, true) }
            if right == node { return (current, left, false) }
            current = left.contains(node) ? left : right
            guard current.contains(node) else { return nil }
        }
        return nil
    }

    /// Whether the range is a node of the tree.
    public func isNode(_ range: ShardRange) -> Bool { range == root || parent(of: range) != nil }

    /// The largest whole nodes inside `span`, in ascending order: what a worker that holds the span pushes.
    public func nodes(covering span: ShardRange) -> [ShardRange] {
        func collect(_ node: ShardRange, _ found: inout [ShardRange]) {
            if span.contains(node) {
                found.append(node)
            } else if let (left, right) = children(of: node) {
                if left.upper > span.lower { collect(left, &found) }
                if right.lower < span.upper { collect(right, &found) }
            }
        }
        var found: [ShardRange] = []
        if span.count > 0 { collect(root, &found) }
        return found
    }
}
