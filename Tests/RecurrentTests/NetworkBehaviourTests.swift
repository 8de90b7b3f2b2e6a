// Evaluation, scoring, stepping, dropout and initial weights of the language model.

import Numerics
import Recurrent
import Testing

@Suite("The language model")
struct NetworkBehaviourTests {
    private func network(_ cell: CellKind, dropout: Double = 0) -> LanguageModelNetwork<Float> {
        var network = LanguageModelNetwork<Float>(
            LanguageModelShape(
                cell: cell, layers: 2, hiddenSize: 9, embeddingSize: 6, vocabulary: 12, dropout: dropout))
        network.initializeWeights(seed: 8)
        return network
    }

    @Test("evaluation gives the training pass's losses and states, without its dropout", arguments: allCells)
    func evaluation(cell: CellKind) {
        var numbers = TestNumbers(seed: 1)
        let batch = randomBatch(shards: [0, 1, 2], vocabulary: 12, using: &numbers)
        var plain = network(cell)
        var dropping = network(cell, dropout: 0.5)
        let states: [Int: [Float]] = randomStates(batch, size: plain.stateSize, using: &numbers)
        let nodes = [ShardRange(0, 3)]
        var sink = GradientCollector<Float>(layout: plain.layout, nodes: nodes)
        let trained = plain.trainingStep(batch, seed: 1, step: 1, carriedStates: states, nodes: nodes, sink: &sink)
        let dropped = dropping.trainingStep(batch, seed: 1, step: 1, carriedStates: states, nodes: nodes, sink: &sink)
        let evaluated = dropping.evaluate(batch, carriedStates: states)
        for (one, other) in zip(trained, evaluated) {
            #expect(one.loss == other.loss && one.tokens == other.tokens && one.finalState == other.finalState)
        }
        #expect(trained.map(\.tokens) == batch.shards.map(\.tokenCount))
        #expect(trained.map(\.loss) != dropped.map(\.loss))
        let scores = plain.tokenLogProbabilities(batch, carriedStates: states)
        for (shard, outcome) in zip(scores, trained) {
            let sum = shard.joined().reduce(0, +)
            #expect(abs(sum + outcome.loss) < 1e-5 * max(1, outcome.loss))
        }
        for (shard, sequences) in zip(scores, batch.shards) {
            #expect(shard.map(\.count) == sequences.inputs.map(\.count))
        }
    }

    @Test("a sequence cut in two with carried states has the losses of the whole", arguments: allCells)
    func carrying(cell: CellKind) {
        var numbers = TestNumbers(seed: 2)
        let whole = randomBatch(shards: [0, 1], sequences: 2...2, lengths: 8...8, vocabulary: 12, using: &numbers)
        func part(_ range: Range<Int>) -> SequenceBatch {
            SequenceBatch(
                shards: whole.shards.map { shard in
                    ShardSequences(
                        shard: shard.shard, inputs: shard.inputs.map { Array($0[range]) },
                        targets: shard.targets.map { Array($0[range]) })
                })
        }
        var network = network(cell)
        let scores = network.tokenLogProbabilities(whole)
        let first = network.evaluate(part(0..<5))
        let states = Dictionary(uniqueKeysWithValues: first.map { ($0.shard, $0.finalState) })
        let rest = network.tokenLogProbabilities(part(5..<8), carriedStates: states)
        for (whole, rest) in zip(scores, rest) {
            for (whole, rest) in zip(whole, rest) { #expect(Array(whole[5...]) == rest) }
        }
        let final = network.evaluate(part(5..<8), carriedStates: states)
        #expect(final.map(\.finalState) == network.evaluate(whole).map(\.finalState))
    }

    @Test("stepping token by token gives the probabilities of the whole sequence", arguments: allCells)
    func stepping(cell: CellKind) {
        var numbers = TestNumbers(seed: 3)
        let batch = randomBatch(shards: [0], sequences: 3...3, lengths: 6...6, vocabulary: 12, using: &numbers)
        var network = network(cell)
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
    }

    @Test("a span of empty shards has gradients of zero, no losses and no rows of the embedding", arguments: allCells)
    func emptySpan(cell: CellKind) {
        var network = network(cell, dropout: 0.5)
        let nodes = [ShardRange(0, 2)]
        let batch = SequenceBatch(shards: (0..<2).map { ShardSequences(shard: $0, inputs: [], targets: []) })
        var sink = GradientCollector<Float>(layout: network.layout, nodes: nodes)
        let outcomes = network.trainingStep(batch, seed: 1, step: 1, carriedStates: [:], nodes: nodes, sink: &sink)
        #expect(outcomes.map(\.loss) == [0, 0] && outcomes.map(\.tokens) == [0, 0])
        #expect(outcomes.allSatisfy { $0.finalState.isEmpty })
        #expect(sink.deliveries.count == network.layout.chunks.count && sink.rows(chunk: 0, node: nodes[0]).isEmpty)
        #expect(collected(sink, network.layout, nodes[0]).allSatisfy { $0 == 0 })
    }

    @Test("changed weights count only after weightsChanged")
    func changing() {
        var numbers = TestNumbers(seed: 4)
        let batch = randomBatch(shards: [0], sequences: 2...2, vocabulary: 12, using: &numbers)
        var network = network(.longShortTermMemory)
        let before = network.evaluate(batch)[0].loss
        let bias = network.layout.matrix(ofTensor: network.layout.index(of: "output.bias")!, in: network.weights)
        bias[3, 0] += 1
        network.weightsChanged()
        #expect(network.evaluate(batch)[0].loss != before)
    }

    @Test("the parameters have PyTorch's names and shapes")
    func names() {
        let layout = LanguageModelNetwork<Float>.layout(
            LanguageModelShape(cell: .gatedRecurrentUnit, layers: 2, hiddenSize: 9, embeddingSize: 6, vocabulary: 12))
        let shapes = [
            "embedding.weight [12, 6]", "recurrent.weight_ih_l0 [27, 6]", "recurrent.weight_hh_l0 [27, 9]",
            "recurrent.bias_ih_l0 [27]", "recurrent.bias_hh_l0 [27]", "recurrent.weight_ih_l1 [27, 9]",
            "recurrent.weight_hh_l1 [27, 9]", "recurrent.bias_ih_l1 [27]", "recurrent.bias_hh_l1 [27]",
            "output.weight [12, 9]", "output.bias [12]",
        ]
        #expect(layout.tensors.map { "\($0.name) \($0.shape)" } == shapes)
        #expect(layout.tensors.map(\.isRowSparse) == [true] + [Bool](repeating: false, count: 10))
    }
}
