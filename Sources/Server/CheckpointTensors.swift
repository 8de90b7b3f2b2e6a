// Parameters in and out of checkpoint files, without copies in between.

import Checkpoints
import Numerics

/// A parameter tensor on its way to a file.
struct NamedTensor {
    var name: String
    var shape: [Int]
    /// Without gaps.
    var values: Matrix<Float>
}

extension CheckpointDraft {
    /// Adds a safetensors file of these tensors.
    mutating func addFloats(_ file: String, _ tensors: [NamedTensor]) throws(CheckpointError) {
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.values) })
        let declarations = tensors.map { TensorDeclaration($0.name, shape: $0.shape) }
        try addTensors(file, declarations, metadata: ["format": "pt"]) { tensor, writer throws(CheckpointError) in
            guard let values = byName[tensor.name] else { return }
            try writer.append(UnsafeBufferPointer(start: values.base, count: values.rows * values.columns))
        }
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

extension SafetensorsFile {
    /// Reads a single-precision tensor into a matrix without gaps.
    func readFloats(_ name: String, into values: Matrix<Float>, shape: [Int]) throws(CheckpointError) {
        let tensor = try tensor(name, type: .float32, shape: shape)
        withBytes(of: tensor) { bytes in
            UnsafeMutableRawBufferPointer(start: values.base, count: bytes.count).copyMemory(from: bytes)
        }
    }
}
