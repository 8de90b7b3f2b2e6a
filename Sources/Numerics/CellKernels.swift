// The gates of the recurrent cells, one call for all rows of one time step.

import CKernels

/// The nonlinearity of an Elman cell.
public enum ElmanActivation: String, Sendable, Hashable, Codable {
    case tanh, relu

    var kernelValue: RondoActivation {
        switch self {
        case .tanh: RondoActivationTanh
        case .relu: RondoActivationRelu
        }
    }
}

/// hidden `[n, H]` = activation(gates `[n, H]`).
@specialized(where Scalar == Float)
public func elmanForward<Scalar: KernelScalar>(
    activation: ElmanActivation, gates: Matrix<Scalar>, hidden: Matrix<Scalar>
) {
    Scalar.kernels.elmanForward(
        hidden.rows, hidden.columns, activation.kernelValue, gates.base, gates.stride, hidden.base, hidden.stride)
}

/// gateGradients `[n, H]` = hiddenGradients · activation′(hidden).
@specialized(where Scalar == Float)
public func elmanBackward<Scalar: KernelScalar>(
    activation: ElmanActivation, hidden: Matrix<Scalar>, hiddenGradients: Matrix<Scalar>, gateGradients: Matrix<Scalar>
) {
    Scalar.kernels.elmanBackward(
        hidden.rows, hidden.columns, activation.kernelValue, hidden.base, hidden.stride, hiddenGradients.base,
        hiddenGradients.stride, gateGradients.base, gateGradients.stride)
}

/// gates `[n, 4H]` (i, f, g, o): pre-activations in, activations out; cell, tanhCell and hidden `[n, H]` out.
@specialized(where Scalar == Float)
public func lstmForward<Scalar: KernelScalar>(
    gates: Matrix<Scalar>, cellPrevious: Matrix<Scalar>, cell: Matrix<Scalar>, tanhCell: Matrix<Scalar>,
    hidden: Matrix<Scalar>
) {
    precondition(gates.columns == 4 * hidden.columns && cellPrevious.rows == hidden.rows, "shapes differ")
    Scalar.kernels.lstmForward(
        hidden.rows, hidden.columns, gates.base, gates.stride, cellPrevious.base, cellPrevious.stride, cell.base,
        cell.stride, tanhCell.base, tanhCell.stride, hidden.base, hidden.stride)
}

/// gates `[n, 4H]`: activations in, gradients of the pre-activations out; cellGradients `[n, H]`: of the cell in, of
/// the previous cell out.
@specialized(where Scalar == Float)
public func lstmBackward<Scalar: KernelScalar>(
    gates: Matrix<Scalar>, cellPrevious: Matrix<Scalar>, tanhCell: Matrix<Scalar>, hiddenGradients: Matrix<Scalar>,
    cellGradients: Matrix<Scalar>
) {
    precondition(gates.columns == 4 * tanhCell.columns && cellGradients.rows == tanhCell.rows, "shapes differ")
    Scalar.kernels.lstmBackward(
        tanhCell.rows, tanhCell.columns, gates.base, gates.stride, cellPrevious.base, cellPrevious.stride,
        tanhCell.base, tanhCell.stride, hiddenGradients.base, hiddenGradients.stride, cellGradients.base,
        cellGradients.stride)
}

/// inputGates `[n, 3H]`: W x + b in, the activations r, z, n out; recurrentGates `[n, 3H]`: W h + b; hidden `[n, H]`
/// out.
@specialized(where Scalar == Float)
public func gruForward<Scalar: KernelScalar>(
    inputGates: Matrix<Scalar>, recurrentGates: Matrix<Scalar>, hiddenPrevious: Matrix<Scalar>, hidden: Matrix<Scalar>
) {
    precondition(inputGates.columns == 3 * hidden.columns, "shapes differ")
    precondition(recurrentGates.columns == 3 * hidden.columns, "shapes differ")
    Scalar.kernels.gruForward(
        hidden.rows, hidden.columns, inputGates.base, inputGates.stride, recurrentGates.base, recurrentGates.stride,
        hiddenPrevious.base, hiddenPrevious.stride, hidden.base, hidden.stride)
}

/// inputGates and recurrentGates `[n, 3H]`: what ``gruForward(inputGates:recurrentGates:hiddenPrevious:hidden:)`` left
/// in, gradients out; directGradients `[n, H]`: out, the part of the previous hidden's gradient that skips the weights.
@specialized(where Scalar == Float)
public func gruBackward<Scalar: KernelScalar>(
    inputGates: Matrix<Scalar>, recurrentGates: Matrix<Scalar>, hiddenPrevious: Matrix<Scalar>,
    hiddenGradients: Matrix<Scalar>, directGradients: Matrix<Scalar>
) {
    precondition(inputGates.columns == 3 * directGradients.columns, "shapes differ")
    Scalar.kernels.gruBackward(
        directGradients.rows, directGradients.columns, inputGates.base, inputGates.stride, recurrentGates.base,
        recurrentGates.stride, hiddenPrevious.base, hiddenPrevious.stride, hiddenGradients.base,
        hiddenGradients.stride, directGradients.base, directGradients.stride)
}
