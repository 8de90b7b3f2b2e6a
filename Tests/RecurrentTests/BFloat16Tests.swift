// Networks whose products have bfloat16 operands.

import Numerics
import Optimization
import Recurrent
import Testing

@Suite("Networks in bfloat16")
struct BFloat16Tests {
    private func network(_ cell: CellKind, _ precision: Precision) -> LanguageModelNetwork<Float> {
        var network = LanguageModelNetwork<Float>(
            LanguageModelShape(
                cell: cell, layers: 2, hiddenSize: 48, embeddingSize: 21, vocabulary: 37, precision: precision))
        network.initializeWeights(seed: 5)
        return network
    }

    @Test("the gradient points where that of single precision does, and the losses are close", arguments: allCells)
    func closeGradients(cell: CellKind) {
        var numbers = TestNumbers(seed: 11)
        let batch = randomBatch(
            shards: [0, 1, 2], sequences: 2...5, lengths: 3...12, vocabulary: 37, using: &numbers)
        let root = ShardRange(0, 3)
        var (gradients, losses): ([[Float]], [Double]) = ([], [])
        for precision in Precision.allCases {
            var network = network(cell, precision)
            var sink = GradientCollector<Float>(layout: network.layout, nodes: [root])
            let outcomes = network.trainingStep(
                batch, seed: 1, step: 1, carriedStates: [:], nodes: [root], sink: &sink)
            gradients.append(collected(sink, network.layout, root))
            losses.append(outcomes.reduce(0) { $0 + $1.loss })
        }
        func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        let (one, other) = (gradients[0], gradients[1])
        let cosine = dot(one, other) / (dot(one, one) * dot(other, other)).squareRoot()
        // Least for relu, whose derivative jumps where rounding changes a sign.
        #expect(cosine > 0.999 && one != other, "cosine \(cosine)")
        #expect(abs(dot(other, other) / dot(one, one) - 1) < 0.01)
        #expect(abs(losses[1] / losses[0] - 1) < 1e-3)
    }

    @Test("a node's gradient has the same bits in every span that contains it", arguments: allCells)
    func spans(cell: CellKind) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var numbers = TestNumbers(seed: seed)
        let shards = numbers.integer(3...7)
        let tree = ReductionTree(shards: shards)
        var network = network(cell, .bfloat16)
        let batch = randomBatch(
            shards: Array(0..<shards), sequences: 0...5, lengths: 1...9, vocabulary: 37, using: &numbers)
        let states: [Int: [Float]] = randomStates(batch, size: network.stateSize, using: &numbers)
        var known: [ShardRange: [Float]] = [:]
        var finals: [Int: [Float]] = [:]
        for trial in 0..<8 {
            let lower = trial == 0 ? 0 : numbers.integer(0...shards - 1)
            let upper = trial == 0 ? shards : numbers.integer(lower + 1...shards)
            let nodes = tree.nodes(covering: ShardRange(lower, upper)).flatMap { node in
                if trial % 2 == 1, let (left, right) = tree.children(of: node) { [left, right] } else { [node] }
            }
            var sink = GradientCollector<Float>(layout: network.layout, nodes: nodes)
            let outcomes = network.trainingStep(
                SequenceBatch(shards: Array(batch.shards[lower..<upper])), seed: 7, step: 3, carriedStates: states,
                nodes: nodes, sink: &sink)
            for node in nodes {
                let gradient = collected(sink, network.layout, node)
                let isKnown = known[node].map { $0 == gradient } ?? true
                #expect(isKnown, "seed \(seed), node \(node) in [\(lower), \(upper))")
                known[node] = gradient
            }
            for outcome in outcomes {
                #expect(finals[outcome.shard] ?? outcome.finalState == outcome.finalState, "seed \(seed)")
                finals[outcome.shard] = outcome.finalState
            }
        }
        for (node, gradient) in known {
            guard let (left, right) = tree.children(of: node), let a = known[left], let b = known[right] else {
                continue
            }
            let isSum = zip(zip(a, b).map { rounded($0 + $1) }, gradient).allSatisfy { $0 == $1 }
            #expect(isSum, "seed \(seed): node \(node) is not left + right, rounded")
        }
    }

    /// Nearest bfloat16, ties to even.
    private func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    @Test("training reaches the loss that single precision reaches")
    func training() {
        let losses = Precision.allCases.map { precision -> [Double] in
            var network = network(.longShortTermMemory, precision)
            let root = ShardRange(0, 2)
            let adam = Adam<Float>(layout: network.layout)
            var sink = GradientCollector<Float>(layout: network.layout, nodes: [root])
            return (0..<60).map { step in
                // Each token is followed by its successor, or now and then by the one after it.
                let shards = (0..<2).map { shard in
                    let lanes = (0..<4).map { lane in
                        (0...20).map { Int32(($0 + $0 / 7 + step + 5 * lane + 3 * shard) % 37) }
                    }
                    return ShardSequences(
                        shard: shard, inputs: lanes.map { Array($0.dropLast()) },
                        targets: lanes.map { Array($0.dropFirst()) })
                }
                sink.reset()
                let outcomes = network.trainingStep(
                    SequenceBatch(shards: shards), seed: 1, step: UInt32(step), carriedStates: [:], nodes: [root],
                    sink: &sink)
                let update = AdamConfiguration(rate: 0.01).step(update: step + 1, gradientScale: 1 / 160)
                for chunk in network.layout.chunks.indices {
                    let gradient = sink.gradient(chunk: chunk, node: root)
                    if network.layout.tensors[network.layout.chunks[chunk].tensor].isRowSparse {
                        let rows = sink.rows(chunk: chunk, node: root)
                        for row in rows {
                            adam.update(
                                chunk: chunk, weights: network.weights, rows: [row],
                                values: gradient.rows(Int(row)..<Int(row) + 1), step: update)
                        }
                    } else {
                        adam.update(chunk: chunk, weights: network.weights, gradient: gradient, step: update)
                    }
                }
                network.weightsChanged()
                return outcomes.reduce(0) { $0 + $1.loss } / 160
            }
        }
        #expect(losses[0][0] > 3 && losses[0].last! < 1)
        for (single, rounded) in zip(losses[0], losses[1]) { #expect(abs(rounded - single) < 0.02 * single + 0.02) }
    }

    @Test("evaluation and generation round as training does", arguments: allCells)
    func evaluation(cell: CellKind) {
        var numbers = TestNumbers(seed: 3)
        let batch = randomBatch(shards: [0], sequences: 3...3, lengths: 6...6, vocabulary: 37, using: &numbers)
        var network = network(cell, .bfloat16)
        var sink = GradientCollector<Float>(layout: network.layout, nodes: [ShardRange(0, 1)])
        let trained = network.trainingStep(
            batch, seed: 1, step: 1, carriedStates: [:], nodes: [ShardRange(0, 1)], sink: &sink)
        let evaluated = network.evaluate(batch)
        #expect(trained[0].loss == evaluated[0].loss && trained[0].finalState == evaluated[0].finalState)
        let scores = network.tokenLogProbabilities(batch)[0]
        var state = GenerationState<Float>(count: 3)
        for time in 0..<6 {
            let logits = network.advance(&state, tokens: batch.shards[0].inputs.map { $0[time] })
            logits.logSoftmax()
            for sequence in 0..<3 {
                let target = batch.shards[0].targets[sequence][time]
                guard target >= 0 else { continue }
                #expect(abs(Double(logits[sequence, Int(target)]) - scores[sequence][time]) < 1e-5)
            }
        }
        #expect(state.states == trained[0].finalState)
    }
}
