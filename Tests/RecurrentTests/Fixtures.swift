// Reads the values that scripts/make-pytorch-fixtures.py wrote.

import Foundation
import Numerics
import Recurrent

/// Base64 of little-endian numbers.
struct PackedNumbers: Decodable {
    let data: Data

    init(from decoder: any Decoder) throws { data = try decoder.singleValueContainer().decode(Data.self) }

    func values<Scalar: BitwiseCopyable>(_ type: Scalar.Type) -> [Scalar] {
        data.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Scalar>.stride).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Scalar.self)
            }
        }
    }
}

/// One stack of stacks.json, float64.
struct StackFixture: Decodable {
    let cell: String
    let lengths: [Int]
    let inputSize, hiddenSize, layers: Int
    let weights, gradients: [String: PackedNumbers]
    let inputs, inputGradients, scale, outputs, initialStates, finalStates: PackedNumbers
}

/// trajectories.json, float32.
struct TrajectoryFixtures: Decodable {
    struct Run: Decodable {
        let cell: String
        let weights: [String: PackedNumbers]
        let losses, norms: [Double]
        let rate, clip: Double
        let embeddingSize, hiddenSize, layers: Int
        let finalOutputBias: PackedNumbers
    }
    let vocabulary, length, steps: Int
    let tokens: [[Int32]]
    let runs: [Run]
}

/// Decodes a file of the folder Fixtures beside this one.
func fixture<Value: Decodable>(_ name: String, _ type: Value.Type = Value.self) throws -> Value {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appendingPathComponent(name)))
}

/// The cell of a name in the fixtures.
func cellKind(_ name: String) -> CellKind {
    switch name {
    case "elman-tanh": .elman(.tanh)
    case "elman-relu": .elman(.relu)
    case "lstm": .longShortTermMemory
    case "gru": .gatedRecurrentUnit
    default: fatalError("a fixture for an unknown cell \(name)")
    }
}
