// Parameters and carried states on their way into checkpoint files.

import Checkpoints
import Numerics

extension CheckpointDraft {
    /// Adds a safetensors file of these kinds of values of all parameters, chunk by chunk from wherever they are.
    mutating func addParameters(
        _ file: String, _ kinds: [ParameterKind], of partitions: PartitionSet
    ) throws(CheckpointError) {
        let layout = partitions.layout
        var declarations: [TensorDeclaration] = []
        var places: [String: (kind: ParameterKind, tensor: Int)] = [:]
        for kind in kinds {
            for (index, tensor) in layout.tensors.enumerated() {
                let name = kind.fileName(of: tensor.name)
                declarations.append(TensorDeclaration(name, shape: tensor.shape))
                places[name] = (kind, index)
            }
        }
        try addTensors(file, declarations, metadata: ["format": "pt"]) { tensor, writer throws(CheckpointError) in
            guard let place = places[tensor.name] else { return }
            try partitions.read(place.kind, chunks: layout.chunkIndices(ofTensor: place.tensor)) {
                _, values throws(CheckpointError) in
                try values.withUnsafeBytes { bytes throws(CheckpointError) in
                    guard Self.areFinite(bytes) else {
                        throw .contents(path: file, reason: "\(tensor.name) holds values that are not finite")
                    }
                    try writer.append(bytes)
                }
            }
        }
    }

    /// Whether these are finite numbers in single precision.
    private static func areFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let exponent: UInt32 = 0x7F80_0000
        var place = 0
        while place + 4 <= bytes.count {
            if bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self) & exponent == exponent { return false }
            place += 4
        }
        return true
    }

    /// Adds a safetensors file with the carried state of each shard, `shard.0`, `shard.1` …
    mutating func addStates(_ file: String, _ states: [[Float]]) throws(CheckpointError) {
        let declarations = states.enumerated().map { shard, values in
            TensorDeclaration("shard.\(shard)", shape: [values.count])
        }
        try addTensors(file, declarations) { tensor, writer throws(CheckpointError) in
            guard let shard = Int(tensor.name.dropFirst("shard.".count)) else { return }
            try writer.append(states[shard])
        }
    }
}
