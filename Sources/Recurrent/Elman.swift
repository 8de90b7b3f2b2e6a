// The simple recurrent cell.

import Numerics

/// Elman (1990), "Finding structure in time": h = tanh(W x + b + W′ h′ + b′), or relu.
public struct Elman: RecurrentCell {
    /// The nonlinearity.
    public let activation: ElmanActivation

    /// A cell with tanh or relu.
    public init(activation: ElmanActivation = .tanh) { self.activation = activation }

    /// The number of blocks of H rows in the weights.
    public var gateBlocks: Int { 1 }
    /// Whether a cell state travels beside the hidden state.
    public var hasCellState: Bool { false }
    /// Whether the recurrent product stays apart until the gates.
    public var keepsRecurrentGates: Bool { false }

    /// From pre-activations and previous states to new states.
    @specialized(where Scalar == Float)
    public func forward<Scalar: KernelScalar>(_ views: CellViews<Scalar>) {
        elmanForward(activation: activation, gates: views.gates, hidden: views.hidden)
    }

    /// From the gradients of the new states to those of the pre-activations and previous states.
    @specialized(where Scalar == Float)
    public func backward<Scalar: KernelScalar>(_ views: CellViews<Scalar>, _ gradients: CellGradients<Scalar>) {
        elmanBackward(
            activation: activation, hidden: views.hidden, hiddenGradients: gradients.hidden, gateGradients: views.gates)
    }
}
