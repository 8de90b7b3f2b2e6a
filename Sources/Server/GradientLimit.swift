// How large a gradient may be.

/// The limit beyond which a gradient cannot be used: its square, and Adam's moments with it, leave single precision
/// long before. What is no number is beyond it, too.
enum GradientLimit {
    /// Of the norm of the sum over all shards, before it is divided by the tokens and clipped.
    static let normMax = 1e30

    /// Whether a step can be applied whose gradient has this squared norm.
    static func allows(sumOfSquares: Double) -> Bool { sumOfSquares <= normMax * normMax }

    /// Whether a partial sum of one chunk can be taken: if all can, their sum is allowed (by the triangle inequality,
    /// with room for rounding). So when a sum is not, there is a partial sum to name.
    static func allows(partial sumOfSquares: Double, shards: Int, chunks: Int) -> Bool {
        let limit = normMax / (2 * Double(shards))
        return sumOfSquares <= limit * limit / Double(chunks)
    }
}
