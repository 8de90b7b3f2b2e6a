// The models that are measured.

import Numerics
import Recurrent

/// A model and a batch.
struct BenchmarkModel {
    private(set) var name: String
    private(set) var shape: LanguageModelShape
    let lanes, length: Int

    init(
        _ kind: String, _ cell: CellKind, _ layers: Int, _ hidden: Int, _ embedding: Int, _ vocabulary: Int,
        _ lanes: Int, _ length: Int, dropout: Double = 0
    ) {
        name =
            "\(kind) \(layers)x\(hidden) emb \(embedding) vocabulary \(vocabulary) batch \(lanes)x\(length)"
            + (dropout > 0 ? " dropout \(dropout)" : "")
        shape = LanguageModelShape(
            cell: cell, layers: layers, hiddenSize: hidden, embeddingSize: embedding, vocabulary: vocabulary,
            dropout: dropout)
        (self.lanes, self.length) = (lanes, length)
    }

    /// The model with products in another precision.
    func with(_ precision: Precision) -> BenchmarkModel {
        var model = self
        model.shape.precision = precision
        if precision != .single { model.name += " \(precision)" }
        return model
    }

    static let all = [
        BenchmarkModel("lstm", .longShortTermMemory, 2, 512, 128, 65, 64, 64),
        BenchmarkModel("lstm", .longShortTermMemory, 2, 256, 64, 65, 32, 64),
        BenchmarkModel("lstm", .longShortTermMemory, 2, 128, 64, 65, 50, 50),
        BenchmarkModel("lstm", .longShortTermMemory, 2, 256, 64, 65, 32, 64, dropout: 0.2),
        BenchmarkModel("lstm", .longShortTermMemory, 2, 650, 650, 10_000, 20, 35),
        BenchmarkModel("gru", .gatedRecurrentUnit, 2, 512, 128, 65, 64, 64),
        BenchmarkModel("elman", .elman(.tanh), 2, 512, 128, 65, 64, 64),
    ]

    /// Floating-point operations a token: forward, and twice that backward, for every weight of a product.
    var operationsPerToken: Double {
        let rows = shape.cell.cell.gateBlocks * shape.hiddenSize
        let layers = (0..<shape.layers).reduce(0) { sum, layer in
            sum + rows * ((layer == 0 ? shape.embeddingSize : shape.hiddenSize) + shape.hiddenSize)
        }
        return 6 * Double(layers + shape.hiddenSize * shape.vocabulary)
    }

    /// One batch of random tokens in 8 shards.
    var batch: SequenceBatch {
        var numbers = SystemRandomNumberGenerator()
        func tokens() -> [Int32] {
            (0..<length).map { _ in Int32.random(in: 0..<Int32(shape.vocabulary), using: &numbers) }
        }
        return SequenceBatch(
            shards: (0..<8).map { shard in
                let lanes = shard * lanes / 8..<(shard + 1) * lanes / 8
                return ShardSequences(
                    shard: shard, inputs: lanes.map { _ in tokens() }, targets: lanes.map { _ in tokens() })
            })
    }
}
