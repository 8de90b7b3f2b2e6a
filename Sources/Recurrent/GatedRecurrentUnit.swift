// The GRU cell.

import Numerics

/// Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder", with the reset gate applied after
/// the recurrent product, as cuDNN and PyTorch have it.
///
/// Blocks r, z, n: n = tanh(W x + b + σ(r) (W′ h′ + b′)), h = (1 − σ(z)) n + σ(z) h′.
public struct GatedRecurrentUnit: RecurrentCell {
    /// The cell.
    public init() {}

    /// The number of blocks of H rows in the weights.
    public var gateBlocks: Int { 3 }
    /// Whether a cell state travels beside the hidden state.
    public var hasCellState: Bool { false }
    /// Whether the recurrent product stays apart until the gates.
    public var keepsRecurrentGates: Bool { true }

    /// From pre-activations and previous states to new states.
    @specialized(where Scalar == Float)
    public func forward<Scalar: KernelScalar>(_ views: CellViews<Scalar>) {
        gruForward(
            inputGates: views.gates, recurrentGates: views.recurrentGates, hiddenPrevious: views.hiddenPrevious,
            hidden: views.hidden)
    }

    /// From the gradients of the new states to those of the pre-activations and previous states.
    @specialized(where Scalar == Float)
    public func backward<Scalar: KernelScalar>(_ views: CellViews<Scalar>, _ gradients: CellGradients<Scalar>) {
        gruBackward(
            inputGates: views.gates, recurrentGates: views.recurrentGates, hiddenPrevious: views.hiddenPrevious,
            hiddenGradients: gradients.hidden, directGradients: gradients.direct)
    }
}
