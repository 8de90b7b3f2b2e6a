// The same bits whatever shards are computed together.

import Numerics
import Recurrent
import Testing

@Suite("Spans")
struct SpanTests {
    @Test("a node's gradient has the same bits in every span that contains it", arguments: allCells, [0.0, 0.5])
    func nodesDoNotDependOnSpans(cell: CellKind, dropout: Double) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var numbers = TestNumbers(seed: seed)
        let shards = numbers.integer(2...9)
        let tree = ReductionTree(shards: shards)
        let shape = LanguageModelShape(
            cell: cell, layers: 2, hiddenSize: 19, embeddingSize: 13, vocabulary: 37, dropout: dropout)
        var network = LanguageModelNetwork<Float>(shape)
        network.initializeWeights(seed: seed)
        let batch = randomBatch(
            shards: Array(0..<shards), sequences: 0...5, lengths: 1...9, vocabulary: 37, using: &numbers)
        let states: [Int: [Float]] = randomStates(batch, size: network.stateSize, using: &numbers)

        var known: [ShardRange: [Float]] = [:]
        var outcomes: [Int: (Double, Int, [Float])] = [:]
        for trial in 0..<12 {
            let lower = trial == 0 ? 0 : numbers.integer(0...shards - 1)
            let upper = trial == 0 ? shards : numbers.integer(lower + 1...shards)
            var nodes = tree.nodes(covering: ShardRange(lower, upper))
            // Cut some nodes in two, so that children of the same nodes are seen too.
            nodes = nodes.flatMap { node in
                guard numbers.integer(0...1) == 1, let (left, right) = tree.children(of: node) else { return [node] }
                return [left, right]
            }
            let part = SequenceBatch(shards: Array(batch.shards[lower..<upper]))
            var sink = GradientCollector<Float>(layout: network.layout, nodes: nodes)
            let results = network.trainingStep(
                part, seed: 7, step: 3, carriedStates: states, nodes: nodes, sink: &sink)
            for node in nodes {
                let gradient = collected(sink, network.layout, node)
                let before = known[node] ?? gradient
                #expect(bits(before) == bits(gradient), "seed \(seed), node \(node) in [\(lower), \(upper))")
                known[node] = gradient
            }
            for result in results {
                let before = outcomes[result.shard] ?? (result.loss, result.tokens, result.finalState)
                #expect(before.0 == result.loss && before.1 == result.tokens, "seed \(seed), shard \(result.shard)")
                #expect(bits(before.2) == bits(result.finalState), "seed \(seed), shard \(result.shard)")
                outcomes[result.shard] = before
            }
        }
        for (node, gradient) in known {
            guard let (left, right) = tree.children(of: node), let a = known[left], let b = known[right] else {
                continue
            }
            #expect(zip(a, b).map { $0 + $1 } == gradient, "seed \(seed): node \(node) is not left + right")
        }
    }

    @Test("every chunk of every node is delivered once, the output layer first and the embedding last")
    func deliveries() {
        var numbers = TestNumbers(seed: 4)
        let shape = LanguageModelShape(
            cell: .longShortTermMemory, layers: 2, hiddenSize: 80, embeddingSize: 60, vocabulary: 5000)
        var network = LanguageModelNetwork<Float>(shape)
        network.initializeWeights(seed: 4)
        let batch = randomBatch(shards: [0, 1, 2], vocabulary: 5000, using: &numbers)
        let nodes = [ShardRange(0, 2), ShardRange(2, 3)]
        var sink = GradientCollector<Float>(layout: network.layout, nodes: nodes)
        _ = network.trainingStep(batch, seed: 1, step: 1, carriedStates: [:], nodes: nodes, sink: &sink)
        #expect(network.layout.chunks.count > network.layout.tensors.count)
        #expect(sink.deliveries.count == nodes.count * network.layout.chunks.count)
        #expect(Set(sink.deliveries.map { "\($0.chunk) \($0.node)" }).count == sink.deliveries.count)
        let names = sink.deliveries.map { network.layout.tensors[network.layout.chunks[$0.chunk].tensor].name }
        var order = ["output.", "_l1", "_l0", "embedding."][...]
        for name in names {
            while let next = order.first, !name.contains(next) { order.removeFirst() }
            #expect(!order.isEmpty, "\(name) comes too late")
        }
    }

    private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
}
