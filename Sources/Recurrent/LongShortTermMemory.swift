// The LSTM cell.

import Numerics

/// Hochreiter and Schmidhuber (1997), "Long short-term memory", with the forget gate of Gers et al. (2000).
///
/// Blocks i, f, g, o as in PyTorch: c = σ(f) c′ + σ(i) tanh(g), h = σ(o) tanh(c).
public struct LongShortTermMemory: RecurrentCell {
    /// The cell.
    public init() {}

    /// The number of blocks of H rows in the weights.
    public var gateBlocks: Int { 4 }
    /// Whether a cell state travels beside the hidden state.
    public var hasCellState: Bool { true }
    /// Whether the recurrent product stays apart until the gates.
    public var keepsRecurrentGates: Bool { false }

    /// From pre-activations and previous states to new states.
    @specialized(where Scalar == Float)
    public func forward<Scalar: KernelScalar>(_ views: CellViews<Scalar>) {
        lstmForward(
            gates: views.gates, cellPrevious: views.cellPrevious, cell: views.cell, tanhCell: views.tanhCell,
            hidden: views.hidden)
    }

    /// From the gradients of the new states to those of the pre-activations and previous states.
    @specialized(where Scalar == Float)
    public func backward<Scalar: KernelScalar>(_ views: CellViews<Scalar>, _ gradients: CellGradients<Scalar>) {
        lstmBackward(
            gates: views.gates, cellPrevious: views.cellPrevious, tanhCell: views.tanhCell,
            hiddenGradients: gradients.hidden, cellGradients: gradients.cell)
    }
}
