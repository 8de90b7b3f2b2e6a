// Sums along the tree: the same whatever the order and the division.

import Numerics
import Testing

@testable import Cluster

@Test("the nodes that cover a span are whole, disjoint, and cover it", arguments: 1...20)
func nodesCover(shards: Int) {
    let tree = ReductionTree(shards: shards)
    for lower in 0..<shards {
        for upper in (lower + 1)...shards {
            let nodes = tree.nodes(covering: ShardRange(lower, upper))
            #expect(nodes.flatMap(\.indices) == Array(lower..<upper))
            #expect(nodes.allSatisfy(tree.isNode))
        }
    }
}

@Test("any division, order and repetition of partial sums gives the tree's sum exactly once", arguments: 1...300)
func anyOrder(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    let shards = Int(random.next() % 12) + 1
    let tree = ReductionTree(shards: shards)
    func expression(_ node: ShardRange) -> String {
        guard let (left, right) = tree.children(of: node) else { return "\(node.lower)" }
        return "(\(expression(left))+\(expression(right)))"
    }
    var reduction = GradientReduction<String>(tree: tree, chunkCount: 1)
    var rounds = 0
    while !reduction.isComplete {
        rounds += 1
        let lower = Int(random.next() % UInt64(shards))
        let upper = lower + 1 + Int(random.next() % UInt64(shards - lower))
        for node in tree.nodes(covering: ShardRange(lower, upper)).shuffled(using: &random) {
            _ = reduction.insert(expression(node), chunk: 0, node: node) { "(\($0)+\($1))" }
        }
        #expect(rounds < 10_000, "seed \(seed)")
    }
    #expect(reduction.total(chunk: 0) == expression(tree.root), "seed \(seed)")
    #expect(reduction.insert("again", chunk: 0, node: tree.root) { $0 + $1 } == .duplicate)
    #expect(reduction.covers(tree.root))
}

@Test("a span is divided by the speeds of the workers, without gaps")
func divides() {
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [1, 1, 1]).compactMap { $0?.count } == [3, 3, 2])
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [3, 1]).compactMap { $0?.count } == [6, 2])
    #expect(SpanPlan.divide(ShardRange(2, 4), speeds: [1, 1, 1]) == [ShardRange(2, 3), ShardRange(3, 4), nil])
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [1, 10]) == [nil, ShardRange(0, 8)])
}

@Test("a division that is about as good as the best one stays as it is")
func keepsDivisions() {
    let halves = [ShardRange(0, 4), ShardRange(4, 8)]
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [0.95, 1.05], previous: [4, 4]) == halves)
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [1, 1.9], previous: [4, 4]) != halves)
    #expect(SpanPlan.divide(ShardRange(0, 8), speeds: [1, 1], previous: [0, 0]) == halves, "no division before")
}
