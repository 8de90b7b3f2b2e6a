// One recurrent layer, in one or both directions.

import Numerics

/// A recurrent layer over ragged sequences: shapes `[R, in]` to `[R, D H]` with R packed rows, D directions and H
/// hidden units; the outputs of the two directions stand side by side.
public struct RecurrentLayer<Scalar: KernelScalar>: ~Copyable {
    /// The features of the input and of one direction's output.
    public let inputSize, hiddenSize: Int
    private var directions = OwnedArray<LayerDirection<Scalar>>()
    private let hasCellState: Bool
    /// `[B + R, D H]`: the hidden states before the first step, then those of the rows, which are the output.
    private var hidden = GrowingBuffer<Scalar>()
    private var hiddenGradients = GrowingBuffer<Scalar>()

    /// A layer whose parameters are appended to the layout, each direction's under PyTorch's names.
    public init(
        appendingTo layout: inout ParameterLayout, prefix: String, layer: Int, cell: CellKind, inputSize: Int,
        hiddenSize: Int, directions: [TimeDirection] = [.forward], precision: Precision = .single
    ) {
        (self.inputSize, self.hiddenSize, hasCellState) = (inputSize, hiddenSize, cell.cell.hasCellState)
        for direction in directions {
            let tensors = DirectionTensors(
                appendingTo: &layout, prefix: prefix, layer: layer, direction: direction, gates: cell.cell.gateBlocks,
                inputSize: inputSize, hiddenSize: hiddenSize)
            self.directions.append(
                LayerDirection(
                    cell: cell.cell, inputSize: inputSize, hiddenSize: hiddenSize, direction: direction,
                    tensors: tensors, precision: precision))
        }
    }

    /// D H.
    public var outputSize: Int { directions.count * hiddenSize }
    /// The numbers of carried state that one sequence has.
    public var stateSize: Int { outputSize * (hasCellState ? 2 : 1) }

    /// Takes over the weights for the forward pass.
    public mutating func packForward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        for index in directions.indices { directions[index].packForward(layout, weights) }
    }

    /// Takes over the weights for the backward pass.
    public mutating func packBackward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        for index in directions.indices { directions[index].packBackward(layout, weights) }
    }

    private func columns(_ direction: Int) -> Range<Int> { direction * hiddenSize..<(direction + 1) * hiddenSize }

    private mutating func states(_ sequences: PackedSequences) -> Matrix<Scalar> {
        hidden.matrix(rows: sequences.count + sequences.rows, columns: outputSize)
    }

    /// The output of the last forward pass, `[R, D H]`.
    public mutating func outputs(_ sequences: PackedSequences) -> Matrix<Scalar> {
        states(sequences).rows(sequences.stateRows)
    }

    /// Memory `[R, D H]` where the gradient of the output goes before the backward pass.
    public mutating func outputGradients(_ sequences: PackedSequences) -> Matrix<Scalar> {
        hiddenGradients.matrix(rows: sequences.count + sequences.rows, columns: outputSize).rows(sequences.stateRows)
    }

    /// Runs the layer; the output is ``outputs(_:)``.
    public mutating func forward(
        _ input: LayerInput<Scalar>, carried: [CarriedState<Scalar>], sequences: PackedSequences,
        workspace: inout Workspace<Scalar>
    ) {
        let states = states(sequences)
        for index in directions.indices {
            let hidden = states.columns(columns(index))
            loadInitialStates(carried, direction: index, hidden: hidden, sequences: sequences)
            directions[index].forward(input, hidden: hidden, sequences: sequences, workspace: &workspace)
        }
    }

    /// Back through time, after the gradient of the output was written to ``outputGradients(_:)``.
    ///
    /// - Parameter inputGradients: `[input.gradientRows, in]`, overwritten; `nil` if nobody needs it.
    public mutating func backward(
        _ input: LayerInput<Scalar>, inputGradients: Matrix<Scalar>?, sequences: PackedSequences,
        workspace: inout Workspace<Scalar>
    ) {
        let states = states(sequences)
        let gradients = hiddenGradients.matrix(rows: states.rows, columns: states.columns)
        for index in directions.indices {
            directions[index].backward(
                input, hidden: states.columns(columns(index)), hiddenGradients: gradients.columns(columns(index)),
                toInitialStates: false, inputGradients: inputGradients, adding: index > 0, sequences: sequences,
                workspace: &workspace)
        }
    }

    /// Delivers the gradients of the layer's parameters, after ``backward(_:inputGradients:sequences:workspace:)``.
    public mutating func deliverWeightGradients<Sink: GradientSink<Scalar> & ~Copyable>(
        _ input: LayerInput<Scalar>, layout: ParameterLayout, nodes: [ShardRange], sink: inout Sink,
        sequences: PackedSequences, workspace: inout Workspace<Scalar>
    ) {
        let states = states(sequences)
        for index in directions.indices {
            directions[index].deliverWeightGradients(
                input, hidden: states.columns(columns(index)), layout: layout, nodes: nodes, sink: &sink,
                sequences: sequences, workspace: &workspace)
        }
    }
}

// MARK: - Carried state

/// The states of one shard's sequences before or after a step, flat: layer by layer, direction by direction, the hidden
/// states and then (LSTM) the cell states of all sequences, H numbers each. Empty stands for zeros.
public typealias CarriedState<Scalar> = ArraySlice<Scalar>

extension RecurrentLayer {
    /// Writes the states before the first step; `carried` holds this layer's part of each shard's state.
    private mutating func loadInitialStates(
        _ carried: [CarriedState<Scalar>], direction: Int, hidden: Matrix<Scalar>, sequences: PackedSequences
    ) {
        let cells = directions[direction].memory(sequences).cells
        hidden.rows(0..<sequences.count).clear()
        cells.rows(0..<sequences.count).clear()
        for (state, positions) in zip(carried, sequences.positions) where !state.isEmpty {
            var next = state.startIndex + direction * stateSize / directions.count * positions.count
            for states in hasCellState ? [hidden, cells] : [hidden] {
                for position in positions {
                    states.rows(position..<position + 1).copy(from: state[next..<next + hiddenSize])
                    next += hiddenSize
                }
            }
        }
    }

    /// Appends this layer's part of each shard's final state.
    mutating func appendFinalStates(to carried: inout [[Scalar]], sequences: PackedSequences) {
        let hidden = states(sequences)
        for index in directions.indices {
            let cells = directions[index].memory(sequences).cells
            let direction = directions[index].direction
            for (shard, positions) in sequences.positions.enumerated() {
                for states in hasCellState ? [hidden.columns(columns(index)), cells] : [hidden.columns(columns(index))]
                {
                    for position in positions {
                        let row = sequences.finalStateRow(direction, position: position)
                        states.rows(row..<row + 1).append(to: &carried[shard])
                    }
                }
            }
        }
    }
}
