// Where a server's life takes its parameters from.

import Checkpoints
import Numerics
import Tasks

/// The parameters at the start of a server's life, chunk by chunk.
protocol ParameterSource {
    /// Lends one chunk's values, or `nil` for zeros.
    func withValues<Result>(_ kind: ParameterKind, chunk: Int, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result
}

/// The weights before the first step; all moments are zero.
final class InitialParameters: ParameterSource {
    private let layout: ParameterLayout
    private let weights: Buffer<Float>

    init(_ task: LanguageModelTask) {
        layout = task.layout
        weights = Buffer(count: task.layout.count)
        task.initialize(weights)
    }

    func withValues<Result>(_ kind: ParameterKind, chunk: Int, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        guard kind == .weights else { return body(nil) }
        let values = layout.matrix(ofChunk: chunk, in: weights)
        return body(UnsafeRawBufferPointer(start: values.base, count: values.count * MemoryLayout<Float>.stride))
    }
}

/// The weights and moments of a checkpoint, read from the mapped files where they are needed.
struct CheckpointParameters: ParameterSource {
    private let layout: ParameterLayout
    private let model: SafetensorsFile
    private let optimizer: SafetensorsFile
    /// The place of each tensor of the layout in its file.
    private let places: [ParameterKind: [TensorDescription]]

    /// Looks all tensors up.
    ///
    /// - Throws: `CheckpointError` if one is missing or of another shape.
    init(_ folder: CheckpointFolder, layout: ParameterLayout) throws(CheckpointError) {
        self.layout = layout
        model = try folder.tensors(CheckpointFile.model)
        optimizer = try folder.tensors(CheckpointFile.optimizer)
        var places: [ParameterKind: [TensorDescription]] = [:]
        for kind in ParameterKind.allCases {
            let file = kind == .weights ? model : optimizer
            var found: [TensorDescription] = []
            for tensor in layout.tensors {
                found.append(try file.tensor(kind.fileName(of: tensor.name), type: .float32, shape: tensor.shape))
            }
            places[kind] = found
        }
        self.places = places
    }

    func withValues<Result>(_ kind: ParameterKind, chunk: Int, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        let place = layout.chunks[chunk]
        guard let tensor = places[kind]?[place.tensor] else { return body(nil) }
        let start = place.rows.lowerBound * layout.tensors[place.tensor].columns * MemoryLayout<Float>.stride
        let count = place.elements.count * MemoryLayout<Float>.stride
        let file = kind == .weights ? model : optimizer
        return file.withBytes(of: tensor) { body(UnsafeRawBufferPointer(rebasing: $0[start..<start + count])) }
    }
}

extension ParameterKind {
    /// The name of a parameter's tensor in a checkpoint: moments are named as PyTorch's Adam names them.
    func fileName(of parameter: String) -> String {
        switch self {
        case .weights: parameter
        case .firstMoments: parameter + ".exp_avg"
        case .secondMoments: parameter + ".exp_avg_sq"
        }
    }
}
