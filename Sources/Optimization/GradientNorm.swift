// The global norm of the gradient, and clipping by it.

import Numerics

/// The sum of squares of the whole gradient: one partial for each chunk, added in the order of the chunks.
///
/// Each partial is in double precision and depends on its chunk alone, so that several servers get the same sum from
/// each other's partials.
public struct GradientNorm: Sendable, Equatable {
    private var partials: [Double?]

    /// No partial yet of `chunks` chunks.
    public init(chunks: Int) { partials = Array(repeating: nil, count: chunks) }

    /// The partial of a dense chunk.
    public static func partial<Scalar: KernelScalar>(gradient: Matrix<Scalar>) -> Double { gradient.sumOfSquares }

    /// The partial of the touched rows of a row-sparse chunk: the rows' sums in the order of the rows.
    public static func partial<Scalar: KernelScalar>(rows values: Matrix<Scalar>) -> Double {
        (0..<values.rows).reduce(0) { $0 + values.rows($1..<$1 + 1).sumOfSquares }
    }

    /// Notes the partial of one chunk.
    public mutating func set(_ partial: Double, chunk: Int) { partials[chunk] = partial }

    /// The chunks whose partials are missing.
    public var missing: [Int] { partials.indices.filter { partials[$0] == nil } }

    /// The sum of squares of the summed gradient; not finite if a gradient was not.
    public var sumOfSquares: Double {
        precondition(missing.isEmpty, "partials of chunks \(missing) are missing")
        return partials.reduce(0) { $0 + $1! }
    }

    /// The norm of the *mean* gradient over `tokens` tokens.
    public func norm(tokens: Int) -> Double { sumOfSquares.squareRoot() / Double(tokens) }

    /// What each summed gradient is multiplied by: 1 / tokens, times limit / norm where the norm of the mean is above
    /// the limit (as `torch.nn.utils.clip_grad_norm_`, with its 10⁻⁶). A limit of 0 does not clip.
    public func gradientScale(tokens: Int, limit: Double) -> Double {
        let mean = 1 / Double(tokens)
        return limit > 0 ? mean * min(1, limit / (norm(tokens: tokens) + 1e-6)) : mean
    }
}
