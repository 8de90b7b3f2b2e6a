// Dropout whose masks belong to positions, not to batches.

import Numerics

/// Where the masks of one step come from.
public struct DropoutKey: Sendable, Equatable {
    /// The seed of the run.
    public var seed: UInt64
    /// The step of the run.
    public var step: UInt32

    /// The masks of one step.
    public init(seed: UInt64, step: UInt32) { (self.seed, self.step) = (seed, step) }
}

/// Srivastava et al. (2014), "Dropout": drops features with a probability and scales the others by 1/(1 − p).
///
/// A mask is a pure function of (seed, step, shard, layer, time, sequence in the shard, unit), so that it does not
/// depend on which shards are computed together. Philox's counter is (unit / 4, time · 65536 + sequence, step,
/// layer · 2²⁴ + purpose · 2¹⁶ + shard): at most 65,536 time steps, sequences a shard and shards, and 256 layers.
public struct Dropout<Scalar: KernelScalar>: ~Copyable {
    /// The probability of being dropped, in 0..<1.
    public let probability: Double
    /// Tells the masks of several dropouts of one network apart.
    public let layer: Int
    private var masks = GrowingBuffer<Scalar>()
    private var outputs = GrowingBuffer<Scalar>()

    /// A dropout without memory yet.
    public init(probability: Double, layer: Int) {
        precondition(probability >= 0 && probability < 1, "a dropout of \(probability)")
        precondition(layer < 256, "dropout after layer \(layer)")
        (self.probability, self.layer) = (probability, layer)
    }

    /// The inputs `[R, n]` with features dropped; the inputs themselves without a key or with probability 0.
    @specialized(where Scalar == Float)
    public mutating func forward(
        _ inputs: Matrix<Scalar>, key: DropoutKey?, sequences: PackedSequences
    ) -> Matrix<Scalar> {
        guard let key, probability > 0 else { return inputs }
        let masks = masks.matrix(rows: inputs.rows, columns: inputs.columns)
        let keyWords = SIMD2(UInt32(truncatingIfNeeded: key.seed), UInt32(truncatingIfNeeded: key.seed >> 32))
        precondition(sequences.steps <= 65_536, "dropout has masks for 65536 time steps")
        for (position, sequence) in sequences.sequences.enumerated() {
            let shard = sequences.shards[sequence.shardPosition]
            precondition(shard < 65_536 && sequence.index < 65_536, "dropout has masks for 65536 shards and sequences")
            let purpose = UInt32(layer) << 24 | RandomPurpose.dropout.rawValue << 16 | UInt32(shard)
            for time in 0..<sequence.length {
                masks.fillDropoutMask(
                    row: sequences.offsets[time] + position, probability: Scalar(probability), key: keyWords,
                    counter: SIMD3(UInt32(time) << 16 | UInt32(sequence.index), key.step, purpose))
            }
        }
        let outputs = outputs.matrix(rows: inputs.rows, columns: inputs.columns)
        outputs.copy(from: inputs)
        outputs.multiply(by: masks)
        return outputs
    }

    /// Turns the gradients of the last forward pass's outputs `[R, n]` into those of its inputs.
    @specialized(where Scalar == Float)
    public mutating func backward(_ gradients: Matrix<Scalar>, key: DropoutKey?) {
        guard key != nil, probability > 0 else { return }
        gradients.multiply(by: masks.matrix(rows: gradients.rows, columns: gradients.columns))
    }
}
