// Softmax and cross-entropy, row by row.

import CKernels

/// losses[k] = −log softmax(logits[k])[targets[k]] in nats; a negative target gives 0.
///
/// With `replacingLogitsByGradients`, logits `[n, V]` become softmax − one-hot: the gradient of the *sum* of the
/// losses. `losses` has n elements without gaps.
public func softmaxCrossEntropy<Scalar: KernelScalar>(
    logits: Matrix<Scalar>, targets: ArraySlice<Int32>, losses: Matrix<Scalar>, replacingLogitsByGradients: Bool
) {
    precondition(targets.count == logits.rows && losses.count == logits.rows, "shapes differ")
    targets.withUnsafeBufferPointer { targets in
        guard let targets = targets.baseAddress else { return }
        Scalar.kernels.softmaxCrossEntropy(
            logits.rows, logits.columns, logits.base, logits.stride, targets, losses.base,
            replacingLogitsByGradients ? 1 : 0)
    }
}

extension Matrix where Scalar: KernelScalar {
    /// Each row x becomes x − log Σ exp(x).
    public func logSoftmax() { Scalar.kernels.logSoftmax(rows, columns, base, stride) }
}
