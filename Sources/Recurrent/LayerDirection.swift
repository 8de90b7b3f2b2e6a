// One direction of a recurrent layer: its parameters, packed weights and memory.

import Numerics

/// The places of one direction's parameters in the layout, under PyTorch's names.
struct DirectionTensors: Sendable {
    let inputWeights, recurrentWeights, inputBias, recurrentBias: Int

    /// Appends `weight_ih_l{k}` `[gateBlocks H, in]`, `weight_hh_l{k}` `[gateBlocks H, H]`, `bias_ih_l{k}` and
    /// `bias_hh_l{k}` `[gateBlocks H]`.
    init(
        appendingTo layout: inout ParameterLayout, prefix: String, layer: Int, direction: TimeDirection, gates: Int,
        inputSize: Int, hiddenSize: Int
    ) {
        let suffix = "l\(layer)\(direction.suffix)"
        inputWeights = layout.append("\(prefix)weight_ih_\(suffix)", [gates * hiddenSize, inputSize])
        recurrentWeights = layout.append("\(prefix)weight_hh_\(suffix)", [gates * hiddenSize, hiddenSize])
        inputBias = layout.append("\(prefix)bias_ih_\(suffix)", [gates * hiddenSize])
        recurrentBias = layout.append("\(prefix)bias_hh_\(suffix)", [gates * hiddenSize])
    }

    var all: [Int] { [inputWeights, recurrentWeights, inputBias, recurrentBias] }
}

/// One direction of a layer. R packed rows, B sequences, H hidden units, G = gateBlocks H.
///
/// States come as a view `[B + R, H]` of the layer's memory: the block of states before the first step, then the rows.
/// `+Forward`, `+Backward` and `+WeightGradients` hold the passes.
struct LayerDirection<Scalar: KernelScalar>: ~Copyable {
    let cell: any RecurrentCell
    let hiddenSize: Int
    let inputSize: Int
    let direction: TimeDirection
    let tensors: DirectionTensors

    /// W_ihᵀ `[in, G]` and W_hhᵀ `[H, G]`.
    var inputForward: PackedRight<Scalar>
    var recurrentForward: PackedRight<Scalar>
    /// W_ih `[G, in]` and W_hh `[G, H]`.
    var inputBackward: PackedRight<Scalar>
    var recurrentBackward: PackedRight<Scalar>
    /// What the input product adds `[G]`: both biases, or b_ih where the recurrent product stays apart.
    let inputBias: Buffer<Scalar>
    /// What the recurrent product adds where it stays apart `[G]`: b_hh.
    let recurrentBias: Buffer<Scalar>

    /// `[R, G]`: pre-activations, then activations, then gradients of the pre-activations.
    var gates = GrowingBuffer<Scalar>()
    /// `[R, G]`, where kept apart.
    var recurrentGates = GrowingBuffer<Scalar>()
    /// `[B + R, H]`, with a cell state.
    var cells = GrowingBuffer<Scalar>()
    /// `[R, H]`, with a cell state.
    var tanhCells = GrowingBuffer<Scalar>()
    /// `[B, H]`, with a cell state: gradients of the cell states, each sequence's at the time the pass has reached.
    var cellGradients = GrowingBuffer<Scalar>()
    /// `[B, H]`, where the recurrent product stays apart.
    var directGradients = GrowingBuffer<Scalar>()
    /// `[distinct tokens, G]`: input products of an embedding's rows.
    var tokenGates = GrowingBuffer<Scalar>()
    /// `[distinct tokens of each shard, G]`: gate gradients summed token by token.
    var tokenGateGradients = GrowingBuffer<Scalar>()

    init(
        cell: any RecurrentCell, inputSize: Int, hiddenSize: Int, direction: TimeDirection, tensors: DirectionTensors,
        precision: Precision
    ) {
        (self.cell, self.inputSize, self.hiddenSize) = (cell, inputSize, hiddenSize)
        (self.direction, self.tensors) = (direction, tensors)
        inputForward = PackedRight(precision: precision)
        recurrentForward = PackedRight(precision: precision)
        inputBackward = PackedRight(precision: precision)
        recurrentBackward = PackedRight(precision: precision)
        inputBias = Buffer(count: cell.gateBlocks * hiddenSize)
        recurrentBias = Buffer(count: cell.gateBlocks * hiddenSize)
    }

    /// G: the rows of the weights.
    var gateColumns: Int { cell.gateBlocks * hiddenSize }

    /// Takes over the weights for the forward pass.
    mutating func packForward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        inputForward.packTransposed(layout.matrix(ofTensor: tensors.inputWeights, in: weights))
        recurrentForward.packTransposed(layout.matrix(ofTensor: tensors.recurrentWeights, in: weights))
        let bias = Matrix(inputBias, rows: gateColumns, columns: 1)
        bias.copy(from: layout.matrix(ofTensor: tensors.inputBias, in: weights))
        let other = layout.matrix(ofTensor: tensors.recurrentBias, in: weights)
        if cell.keepsRecurrentGates {
            Matrix(recurrentBias, rows: gateColumns, columns: 1).copy(from: other)
        } else {
            bias.add(other)
        }
    }

    /// Takes over the weights for the backward pass.
    mutating func packBackward(_ layout: ParameterLayout, _ weights: borrowing Buffer<Scalar>) {
        inputBackward.pack(layout.matrix(ofTensor: tensors.inputWeights, in: weights))
        recurrentBackward.pack(layout.matrix(ofTensor: tensors.recurrentWeights, in: weights))
    }

    /// The memory for a layout of sequences; views are valid until the next call with larger sequences.
    mutating func memory(_ sequences: PackedSequences) -> DirectionMemory<Scalar> {
        let (rows, states) = (sequences.rows, sequences.count + sequences.rows)
        let cellColumns = cell.hasCellState ? hiddenSize : 0
        return DirectionMemory(
            gates: gates.matrix(rows: rows, columns: gateColumns),
            recurrentGates: recurrentGates.matrix(rows: rows, columns: cell.keepsRecurrentGates ? gateColumns : 0),
            cells: cells.matrix(rows: states, columns: cellColumns),
            tanhCells: tanhCells.matrix(rows: rows, columns: cellColumns),
            cellGradients: cellGradients.matrix(rows: sequences.count, columns: cellColumns),
            directGradients: directGradients.matrix(
                rows: sequences.count, columns: cell.keepsRecurrentGates ? hiddenSize : 0))
    }
}

/// Views of a direction's memory for one layout of sequences.
struct DirectionMemory<Scalar: BitwiseCopyable> {
    let gates, recurrentGates, cells, tanhCells, cellGradients, directGradients: Matrix<Scalar>

    /// What the cell sees of one segment. `hidden` is `[B + R, H]`.
    func views(_ segment: TimeSegment, hidden: Matrix<Scalar>) -> CellViews<Scalar> {
        let first = hidden.rows - gates.rows
        let states = segment.rows.lowerBound + first..<segment.rows.upperBound + first
        return CellViews(
            gates: gates.rows(segment.rows), recurrentGates: recurrentGates.rows(segment.rows),
            hiddenPrevious: hidden.rows(segment.previous), hidden: hidden.rows(states),
            cellPrevious: cells.rows(segment.previous), cell: cells.rows(states), tanhCell: tanhCells.rows(segment.rows)
        )
    }

    /// The gradients that the cell sees of one segment. `hidden` is `[B + R, H]`.
    func gradients(_ segment: TimeSegment, hidden: Matrix<Scalar>) -> CellGradients<Scalar> {
        let first = hidden.rows - gates.rows
        return CellGradients(
            hidden: hidden.rows(segment.rows.lowerBound + first..<segment.rows.upperBound + first),
            cell: cellGradients.rows(segment.sequences), direct: directGradients.rows(segment.sequences))
    }
}
