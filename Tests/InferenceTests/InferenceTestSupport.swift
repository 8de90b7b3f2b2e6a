// Small models with initial weights, and files in a folder that goes with the test.

import Configuration
import Corpora
import Foundation
import Inference
import Numerics
import Recurrent
import Tasks

/// A model with the initial weights of a seed, enlarged so that its distribution is far from even.
func smallModel(_ tokenizer: Tokenizer, shape: StreamShape, cell: Configuration.CellKind = .lstm) throws -> LoadedModel
{
    let configuration = RunConfiguration(
        data: DataConfiguration(train: "none", tokenizer: tokenizer.kind, shape: shape),
        model: ModelConfiguration(cell: cell, layers: 2, hidden: 12, embedding: 6))
    var network = LanguageModelNetwork<Float>(
        LanguageModelShape(configuration, vocabulary: tokenizer.count))
    network.initializeWeights(seed: 5)
    let record = RunRecord(
        version: RunRecord.libraryVersion, run: "test", step: 0, totalSteps: 1, stepsPerEpoch: 1, epoch: 0,
        stepInEpoch: 0, lastEvaluated: nil, validationLoss: nil, bestValidationLoss: nil, bestStep: 0,
        smoothedLoss: nil, carriedState: nil, data: [:], vocabulary: tokenizer.count)
    let weights = UnsafeBufferPointer(start: network.weights.pointer, count: network.layout.count).map { 3 * $0 }
    return try LoadedModel(configuration: configuration, record: record, tokenizer: tokenizer, weights: weights)
}

/// A folder that goes with the test.
final class TestFolder {
    let path = NSTemporaryDirectory() + "/rondo-inference-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String { try write(Data(text.utf8), to: name) }

    func write(_ data: Data, to name: String) throws -> String {
        try data.write(to: URL(fileURLWithPath: path + "/" + name))
        return path + "/" + name
    }
}
