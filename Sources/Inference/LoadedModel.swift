// A model that is ready to be used: weights, vocabulary, and where they come from.

import Checkpoints
import Configuration
import Corpora
import Numerics
import Platform
import Recurrent
import Tasks

/// A trained model in memory.
///
///     let opened = try CheckpointFolder.open(path: "runs/kjv")
///     var model = try LoadedModel(opened.folder)
///     try model.generate(request) { _, text in print(text, terminator: "") }
///
/// The weights are copied: the checkpoint, or the server that a snapshot came from, may go away.
public struct LoadedModel: ~Copyable {
    /// The configuration of the run.
    public let configuration: RunConfiguration
    /// What is known of the run at these weights.
    public let record: RunRecord
    /// The vocabulary.
    public let tokenizer: Tokenizer
    /// The network with its weights in place.
    public var network: LanguageModelNetwork<Float>

    /// The model of a checkpoint.
    ///
    /// - Throws: `InferenceError.data` if a file is missing, damaged, or does not fit the others.
    public init(_ folder: CheckpointFolder) throws(InferenceError) {
        let parts = try Self.read(folder)
        network = try Self.network(parts.configuration, parts.tokenizer, weights: parts.model)
        (configuration, record, tokenizer) = (parts.configuration, parts.record, parts.tokenizer)
    }

    /// The model of a snapshot.
    ///
    /// - Parameter weights: all parameters in the order of the network's layout, gaps included.
    /// - Throws: `InferenceError.data` if there are too many or too few.
    public init(
        configuration: RunConfiguration, record: RunRecord, tokenizer: Tokenizer, weights: [Float]
    ) throws(InferenceError) {
        network = try Self.network(configuration, tokenizer, weights: weights)
        self.configuration = configuration
        self.record = record
        self.tokenizer = tokenizer
    }

    private static func read(
        _ folder: CheckpointFolder
    ) throws(InferenceError) -> (
        configuration: RunConfiguration, record: RunRecord, tokenizer: Tokenizer, model: SafetensorsFile
    ) {
        do {
            let path = try folder.path(of: CheckpointFile.run)
            let (record, configuration) = try RunRecord.decode(try folder.read(CheckpointFile.run), path: path)
            let tokenizer = try Tokenizer(json: try folder.read(CheckpointFile.tokenizer))
            return (configuration, record, tokenizer, try folder.tensors(CheckpointFile.model))
        } catch let error as CheckpointError {
            throw .data("\(error)")
        } catch {
            throw .data("\(folder.path): \(error)")
        }
    }

    private static func network(
        _ configuration: RunConfiguration, _ tokenizer: Tokenizer, weights: SafetensorsFile
    ) throws(InferenceError) -> LanguageModelNetwork<Float> {
        let shape = LanguageModelShape(configuration, vocabulary: tokenizer.count)
        do {
            // The shapes first: a record that claims a giant model must not take its memory.
            for tensor in LanguageModelNetwork<Float>.layout(shape).tensors {
                _ = try weights.tensor(tensor.name, type: .float32, shape: tensor.shape)
            }
        } catch {
            throw .data("\(error)")
        }
        var network = LanguageModelNetwork<Float>(shape)
        do {
            for (index, tensor) in network.layout.tensors.enumerated() {
                let values = network.layout.matrix(ofTensor: index, in: network.weights)
                let memory = UnsafeMutableBufferPointer(start: values.base, count: values.count)
                try weights.readFloats(tensor.name, shape: tensor.shape, into: memory)
            }
        } catch {
            throw .data("\(error)")
        }
        network.weightsChanged()
        return network
    }

    private static func network(
        _ configuration: RunConfiguration, _ tokenizer: Tokenizer, weights: [Float]
    ) throws(InferenceError) -> LanguageModelNetwork<Float> {
        let shape = LanguageModelShape(configuration, vocabulary: tokenizer.count)
        let expected = LanguageModelNetwork<Float>.layout(shape).count
        guard weights.count == expected else {
            throw .data("a snapshot of \(Counted.text(weights.count, "parameter")) for a model of \(expected)")
        }
        var network = LanguageModelNetwork<Float>(shape)
        weights.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { network.weights.pointer.update(from: base, count: source.count) }
        }
        network.weightsChanged()
        return network
    }

    /// Whether every weight is a finite number.
    public var weightsAreFinite: Bool {
        for index in 0..<network.layout.count where !network.weights.pointer[index].isFinite { return false }
        return true
    }

    /// Whether each line is a sequence of its own; otherwise the text is one stream.
    public var readsSequences: Bool { configuration.data.shape == .sequences }

    /// The token that stands before the first one of a line: `<eos>`, or in a stream of characters or bytes the line
    /// end, if the vocabulary has it.
    public var lineEnd: Int32? {
        if let end = tokenizer.endOfSequence { return end }
        return try? tokenizer.encode("\n").first
    }
}
