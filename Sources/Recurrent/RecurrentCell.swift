// What the recurrent cells have in common.

import Numerics

/// The kinds of recurrent cells.
public enum CellKind: Sendable, Hashable {
    case elman(ElmanActivation)
    case longShortTermMemory
    case gatedRecurrentUnit

    /// The cell's arithmetic.
    public var cell: any RecurrentCell {
        switch self {
        case .elman(let activation): Elman(activation: activation)
        case .longShortTermMemory: LongShortTermMemory()
        case .gatedRecurrentUnit: GatedRecurrentUnit()
        }
    }
}

/// The pointwise part of a recurrent layer: what happens between the products of one time step.
///
/// A cell is a value without memory of its own: the layer gives it views of n rows.
public protocol RecurrentCell: Sendable {
    /// The number of blocks of H rows in the weights.
    var gateBlocks: Int { get }
    /// Whether a cell state travels beside the hidden state.
    var hasCellState: Bool { get }
    /// Whether the recurrent product stays apart from the input product until the gates.
    var keepsRecurrentGates: Bool { get }
    /// From pre-activations and previous states to new states; leaves in the views what ``backward(_:_:)`` needs.
    func forward<Scalar: KernelScalar>(_ views: CellViews<Scalar>)
    /// From the gradients of the new states to those of the pre-activations (in `gates` and `recurrentGates`) and of
    /// the previous states, except for what goes through the recurrent weights.
    func backward<Scalar: KernelScalar>(_ views: CellViews<Scalar>, _ gradients: CellGradients<Scalar>)
}

/// The rows of one time segment in a layer's memory. What a cell does not use has no columns.
public struct CellViews<Scalar: BitwiseCopyable> {
    /// `[n, gateBlocks H]`: W x + b (plus the recurrent product unless kept apart).
    public let gates: Matrix<Scalar>
    /// `[n, gateBlocks H]`: W h + b, where kept apart.
    public let recurrentGates: Matrix<Scalar>
    /// `[n, H]`
    public let hiddenPrevious: Matrix<Scalar>
    /// `[n, H]`
    public let hidden: Matrix<Scalar>
    /// `[n, H]`
    public let cellPrevious: Matrix<Scalar>
    /// `[n, H]`
    public let cell: Matrix<Scalar>
    /// `[n, H]`: tanh of the cell state
    public let tanhCell: Matrix<Scalar>
}

/// The gradients of the states of one time segment.
public struct CellGradients<Scalar: BitwiseCopyable> {
    /// `[n, H]`: of the new hidden state, in.
    public let hidden: Matrix<Scalar>
    /// `[n, H]`: of the new cell state in, of the previous one out.
    public let cell: Matrix<Scalar>
    /// `[n, H]`: of the previous hidden state past the recurrent weights, out, where kept apart.
    public let direct: Matrix<Scalar>
}
