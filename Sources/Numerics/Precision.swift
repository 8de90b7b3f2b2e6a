// The numbers that products are made of.

/// What the operands of matrix products are rounded to. Everything else (weights, sums, activations, losses, optimizer)
/// is in the network's scalar.
///
/// `single` gives the same bits on every instruction set. `bfloat16` rounds both operands of every product to 8
/// significant bits (nearest, ties to even) and adds in single precision: about twice as fast where the processor has
/// an instruction for it (``InstructionSet/avx512bf16``), no faster than `single` elsewhere. It gives the same bits
/// on the same instruction set, for any division of the work.
public enum Precision: String, Sendable, Hashable, Codable, CaseIterable {
    case single, bfloat16

    /// Bytes of one number on its way between processes.
    public var byteCount: Int { self == .single ? 4 : 2 }
}
