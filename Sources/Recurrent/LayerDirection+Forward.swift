// The forward pass of one direction of a layer.

import Numerics

extension LayerDirection {
    /// Step by step: input product, recurrent product, gates.
    ///
    /// With many rows a step, the input product of a step comes right before its recurrent product, which then finds
    /// the
    /// gates in the second-level cache. With few, that would read all weights for little work: the input product runs
    /// for all steps first.
    ///
    /// - Parameters:
    ///   - hidden: `[B + R, H]`; the states before the first step are in place, the others are written. The cell
    ///     states' first block is in place too.
    @specialized(where Scalar == Float)
    mutating func forward(
        _ input: LayerInput<Scalar>, hidden: Matrix<Scalar>, sequences: PackedSequences,
        workspace: inout Workspace<Scalar>
    ) {
        let memory = memory(sequences)
        let isStepwise = sequences.hasManyRowsPerStep
        switch input {
        case .rows(let rows):
            if !isStepwise { project(rows, into: memory.gates, workspace: &workspace) }
        case .tokens(let tokens, let embedding):
            let products = tokenGates.matrix(rows: tokens.tokens.count, columns: gateColumns)
            workspace.clock.enter(.embedding)
            workspace.left.pack(embedding, rows: tokens.tokens)
            multiply(workspace.left, inputForward, into: products, store: .bias(inputBiasValues))
        }
        for segment in sequences.segments(direction) {
            let views = memory.views(segment, hidden: hidden)
            switch input {
            case .rows(let rows):
                if isStepwise { project(rows.rows(segment.rows), into: views.gates, workspace: &workspace) }
            case .tokens(let tokens, embedding: _):
                workspace.clock.enter(.embedding)
                let products = tokenGates.matrix(rows: tokens.tokens.count, columns: gateColumns)
                views.gates.gather(tokens.slots[segment.rows], from: products)
            }
            workspace.clock.enter(.packingRows)
            workspace.left.pack(views.hiddenPrevious)
            workspace.clock.enter(.recurrentProduct)
            if cell.keepsRecurrentGates {
                multiply(
                    workspace.left, recurrentForward, into: views.recurrentGates, store: .bias(recurrentBiasValues))
            } else {
                multiply(workspace.left, recurrentForward, into: views.gates, store: .add)
            }
            workspace.clock.enter(.gates)
            cell.forward(views)
        }
    }

    private var inputBiasValues: Matrix<Scalar> { Matrix(inputBias, rows: gateColumns, columns: 1) }
    private var recurrentBiasValues: Matrix<Scalar> { Matrix(recurrentBias, rows: gateColumns, columns: 1) }

    /// gates = W_ih x + b, row by row.
    private mutating func project(
        _ rows: Matrix<Scalar>, into gates: Matrix<Scalar>, workspace: inout Workspace<Scalar>
    ) {
        for block in blocks(of: rows.rows, by: Workspace<Scalar>.rowsPerBlock) {
            workspace.clock.enter(.packingRows)
            workspace.left.pack(rows.rows(block))
            workspace.clock.enter(.inputProduct)
            multiply(workspace.left, inputForward, into: gates.rows(block), store: .bias(inputBiasValues))
        }
    }
}

extension PackedSequences {
    /// Whether a product with the rows of one time step is worth reading all weights for.
    var hasManyRowsPerStep: Bool { rows >= 32 * steps }
}

/// `0..<count` in blocks of at most `size`.
func blocks(of count: Int, by size: Int) -> some Sequence<Range<Int>> {
    stride(from: 0, to: count, by: size).lazy.map { $0..<Swift.min($0 + size, count) }
}
