// The simple recurrent cell.

import Numerics

/// Elman (1990), "Finding structure in time": h = tanh(W x + b + W′ h′ + b′), or relu.
public struct Elman: RecurrentCell {
    /// The nonlinearity.
    public let activation: ElmanActivation

    /// A cell with tanh or relu.
    public init(activation: ElmanActivation = .tanh) { self.activation = activation }

    public var gateBlocks: Int { 1 }
    public var hasCellState: Bool { false }
    public var keepsRecurrentGates: Bool { false }

    @specialized(where Scalar == Float)
    public func forward<Scalar: KernelScalar>(_ views: CellViews<Scalar>) {
        elmanForward(activation: activation, gates: views.gates, hidden: views.hidden)
    }

    @specialized(where Scalar == Float)
    public func backward<Scalar: KernelScalar>(_ views: CellViews<Scalar>, _ gradients: CellGradients<Scalar>) {
        elmanBackward(
            activation: activation, hidden: views.hidden, hiddenGradients: gradients.hidden, gateGradients: views.gates)
    }
}
