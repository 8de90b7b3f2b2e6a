// exp, log, tanh and sigmoid with the same bits on every instruction set.

/// A function of one number, computed by our own polynomials.
public enum ElementaryFunction: Sendable, CaseIterable {
    case exponential, logarithm, tangentHyperbolic, sigmoid

    /// Replaces every value by the function of it.
    public func apply<Scalar: KernelScalar>(to values: inout [Scalar]) {
        values.withUnsafeMutableBufferPointer { values in
            guard let base = values.baseAddress else { return }
            switch self {
            case .exponential: Scalar.kernels.exponential(values.count, base, base)
            case .logarithm: Scalar.kernels.logarithm(values.count, base, base)
            case .tangentHyperbolic: Scalar.kernels.tangentHyperbolic(values.count, base, base)
            case .sigmoid: Scalar.kernels.sigmoid(values.count, base, base)
            }
        }
    }
}
