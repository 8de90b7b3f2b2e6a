// Whole trainings against PyTorch.

import Numerics
import Optimization
import Recurrent
import Testing

@Suite("Trainings against PyTorch")
struct PyTorchTrajectoryTests {
    @Test("the losses of 50 steps with carried state, clipping and Adam are PyTorch's to 10⁻⁴")
    func losses() throws {
        let fixtures = try fixture("trajectories.json", TrajectoryFixtures.self)
        for run in fixtures.runs {
            var training = Training(run, fixtures)
            for step in 0..<fixtures.steps {
                let (loss, norm) = training.step(step)
                #expect(
                    abs(loss - run.losses[step]) <= 1e-4 * run.losses[step],
                    "\(run.cell), step \(step): loss \(loss), not \(run.losses[step])")
                #expect(
                    abs(norm - run.norms[step]) <= 1e-3 * run.norms[step],
                    "\(run.cell), step \(step): norm \(norm), not \(run.norms[step])")
            }
            let bias = training.network.layout.index(of: "output.bias")!
            let values = training.network.layout.matrix(ofTensor: bias, in: training.network.weights).elements
            for (value, expected) in zip(values, run.finalOutputBias.values(Float.self)) {
                #expect(abs(value - expected) < 1e-4, "\(run.cell): bias \(value), not \(expected)")
            }
        }
    }
}

/// A training in one process: one lane a shard.
private struct Training: ~Copyable {
    var network: LanguageModelNetwork<Float>
    let adam: Adam<Float>
    let run: TrajectoryFixtures.Run
    let fixtures: TrajectoryFixtures
    let root: ShardRange
    var sink: GradientCollector<Float>
    var states: [Int: [Float]] = [:]

    init(_ run: TrajectoryFixtures.Run, _ fixtures: TrajectoryFixtures) {
        network = LanguageModelNetwork(
            LanguageModelShape(
                cell: cellKind(run.cell), layers: run.layers, hiddenSize: run.hiddenSize,
                embeddingSize: run.embeddingSize, vocabulary: fixtures.vocabulary))
        for (index, tensor) in network.layout.tensors.enumerated() {
            network.layout.matrix(ofTensor: index, in: network.weights)
                .copy(from: run.weights[tensor.name]!.values(Float.self)[...])
        }
        adam = Adam(layout: network.layout)
        root = ShardRange(0, fixtures.tokens.count)
        sink = GradientCollector(layout: network.layout, nodes: [root])
        (self.run, self.fixtures) = (run, fixtures)
    }

    /// Loss and gradient norm, both of the mean over tokens.
    mutating func step(_ step: Int) -> (loss: Double, norm: Double) {
        let places = step * fixtures.length..<(step + 1) * fixtures.length
        let batch = SequenceBatch(
            shards: fixtures.tokens.enumerated().map { shard, tokens in
                ShardSequences(
                    shard: shard, inputs: [Array(tokens[places])],
                    targets: [Array(tokens[places.lowerBound + 1..<places.upperBound + 1])])
            })
        let outcomes = network.trainingStep(
            batch, seed: 1, step: UInt32(step), carriedStates: states, nodes: [root], sink: &sink)
        for outcome in outcomes { states[outcome.shard] = outcome.finalState }
        let tokens = outcomes.reduce(0) { $0 + $1.tokens }

        let layout = network.layout
        var norm = GradientNorm(chunks: layout.chunks.count)
        for chunk in layout.chunks.indices {
            let gradient = sink.gradient(chunk: chunk, node: root)
            guard layout.tensors[layout.chunks[chunk].tensor].isRowSparse else {
                norm.set(GradientNorm.partial(gradient: gradient), chunk: chunk)
                continue
            }
            let squares = sink.rows(chunk: chunk, node: root).map { gradient.rows(Int($0)..<Int($0) + 1).sumOfSquares }
            norm.set(squares.reduce(0, +), chunk: chunk)
        }
        let update = AdamConfiguration(rate: run.rate).step(
            update: step + 1, gradientScale: norm.gradientScale(tokens: tokens, limit: run.clip))
        for chunk in layout.chunks.indices {
            let gradient = sink.gradient(chunk: chunk, node: root)
            if layout.tensors[layout.chunks[chunk].tensor].isRowSparse {
                for row in sink.rows(chunk: chunk, node: root) {
                    adam.update(
                        chunk: chunk, weights: network.weights, rows: [row],
                        values: gradient.rows(Int(row)..<Int(row) + 1),
                        step: update)
                }
            } else {
                adam.update(chunk: chunk, weights: network.weights, gradient: gradient, step: update)
            }
        }
        network.weightsChanged()
        return (outcomes.reduce(0) { $0 + $1.loss } / Double(tokens), norm.norm(tokens: tokens))
    }
}
