// Adam, chunk by chunk.

import Numerics

/// The constants of Adam (Kingma and Ba 2015), as `torch.optim.Adam` names them.
public struct AdamConfiguration: Sendable, Hashable, Codable {
    /// The learning rate.
    public var rate: Double
    /// The decay of the first moment.
    public var beta1: Double
    /// The decay of the second moment.
    public var beta2: Double
    /// Added to the root of the second moment.
    public var epsilon: Double

    /// PyTorch's defaults.
    public init(rate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        (self.rate, self.beta1, self.beta2, self.epsilon) = (rate, beta1, beta2, epsilon)
    }

    /// The constants of one update.
    ///
    /// - Parameters:
    ///   - update: 1 for the first update of a run.
    ///   - gradientScale: multiplies each gradient first: clip factor / token count.
    ///   - rateFactor: what a schedule makes of the rate.
    public func step(update: Int, gradientScale: Double, rateFactor: Double = 1) -> AdamStep {
        precondition(update > 0, "updates count from 1")
        return AdamStep(
            gradientScale: gradientScale, beta1: beta1, beta2: beta2, epsilon: epsilon,
            stepSize: rate * rateFactor / (1 - power(beta1, update)),
            rootBiasCorrection: (1 - power(beta2, update)).squareRoot())
    }
}

/// x to the n-th power by squaring: the same bits on every machine, which the C library's `pow` does not promise.
func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

/// The moments of all parameters, and the update of one chunk at a time.
///
/// Chunks are independent: they may be updated in any order, by any server. A row-sparse chunk is updated lazily: the
/// weights and moments of rows without a gradient stay as they are, and the bias correction counts all updates of the
/// run (as `torch.optim.SparseAdam`).
public struct Adam<Scalar: KernelScalar>: ~Copyable {
    /// The layout of the parameters.
    public let layout: ParameterLayout
    /// Moving averages of the gradients and of their squares, laid out as the parameters. A checkpoint saves both.
    public let firstMoments, secondMoments: Buffer<Scalar>

    /// Moments of zero.
    public init(layout: ParameterLayout) {
        self.layout = layout
        firstMoments = Buffer(count: layout.count)
        secondMoments = Buffer(count: layout.count)
    }

    /// Updates all rows of a chunk by its gradient `[rows, columns]` of the chunk, without gaps.
    public func update(
        chunk: Int, weights: borrowing Buffer<Scalar>, gradient: Matrix<Scalar>, step: AdamStep
    ) {
        step.update(
            weights: layout.matrix(ofChunk: chunk, in: weights),
            firstMoment: layout.matrix(ofChunk: chunk, in: firstMoments),
            secondMoment: layout.matrix(ofChunk: chunk, in: secondMoments), gradient: gradient)
    }

    /// Updates some rows of a chunk: `values[k]` is the gradient of row `rows[k]` of the chunk's tensor.
    public func update(
        chunk: Int, weights: borrowing Buffer<Scalar>, rows: [Int32], values: Matrix<Scalar>, step: AdamStep
    ) {
        precondition(rows.count == values.rows, "\(rows.count) rows, gradients of \(values.rows)")
        let first = layout.chunks[chunk].rows.lowerBound
        for (index, row) in rows.enumerated() {
            let place = Int(row) - first..<Int(row) - first + 1
            step.update(
                weights: layout.matrix(ofChunk: chunk, in: weights).rows(place),
                firstMoment: layout.matrix(ofChunk: chunk, in: firstMoments).rows(place),
                secondMoment: layout.matrix(ofChunk: chunk, in: secondMoments).rows(place),
                gradient: values.rows(index..<index + 1))
        }
    }
}
