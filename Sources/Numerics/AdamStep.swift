// One update of Adam on a piece of memory.

import CKernels

/// The constants of one step of Adam (Kingma and Ba 2015, algorithm 1; ε outside the root, as in PyTorch).
public struct AdamStep: Sendable {
    private var constants: RondoAdamStep

    /// - Parameters:
    ///   - gradientScale: what each gradient is multiplied by first: clip factor / token count.
    ///   - stepSize: rate / (1 − β₁ᵗ).
    ///   - rootBiasCorrection: √(1 − β₂ᵗ).
    public init(
        gradientScale: Double, beta1: Double, beta2: Double, epsilon: Double, stepSize: Double,
        rootBiasCorrection: Double
    ) {
        constants = RondoAdamStep(
            gradientScale: gradientScale, beta1: beta1, beta2: beta2, epsilon: epsilon, stepSize: stepSize,
            rootBiasCorrection: rootBiasCorrection)
    }

    /// Updates `weights` and both moments by `gradient`, four matrices of one shape, each without gaps.
    public func update<Scalar: KernelScalar>(
        weights: Matrix<Scalar>, firstMoment: Matrix<Scalar>, secondMoment: Matrix<Scalar>, gradient: Matrix<Scalar>
    ) {
        precondition(weights.count == gradient.count && firstMoment.count == gradient.count, "shapes differ")
        precondition(secondMoment.count == gradient.count, "shapes differ")
        precondition(weights.isContiguous && gradient.isContiguous, "Adam runs over memory without gaps")
        precondition(firstMoment.isContiguous && secondMoment.isContiguous, "Adam runs over memory without gaps")
        withUnsafePointer(to: constants) {
            Scalar.kernels.adam(
                gradient.count, weights.base, firstMoment.base, secondMoment.base, gradient.base, $0)
        }
    }
}
