// The forward pass of one direction of a layer.

import Numerics

extension LayerDirection {
    /// Input product for all rows, then, step by step, recurrent product and gates.
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
        project(input, into: memory.gates, workspace: &workspace)
        let recurrentBias = Matrix(recurrentBias, rows: gateColumns, columns: 1)
        for segment in sequences.segments(direction) {
            let views = memory.views(segment, hidden: hidden)
            if case .tokens(let tokens, embedding: _) = input {
                workspace.clock.enter(.embedding)
                let products = tokenGates.matrix(rows: tokens.tokens.count, columns: gateColumns)
                views.gates.gather(tokens.slots[segment.rows], from: products)
            }
            workspace.clock.enter(.packingRows)
            workspace.left.pack(views.hiddenPrevious)
            workspace.clock.enter(.recurrentProduct)
            if cell.keepsRecurrentGates {
                multiply(workspace.left, recurrentForward, into: views.recurrentGates, store: .bias(recurrentBias))
            } else {
                multiply(workspace.left, recurrentForward, into: views.gates, store: .add)
            }
            workspace.clock.enter(.gates)
            cell.forward(views)
        }
    }

    /// W_ih x + b for every row, or for every distinct token.
    private mutating func project(
        _ input: LayerInput<Scalar>, into gates: Matrix<Scalar>, workspace: inout Workspace<Scalar>
    ) {
        let bias = Matrix(inputBias, rows: gateColumns, columns: 1)
        switch input {
        case .rows(let rows):
            for block in blocks(of: rows.rows, by: Workspace<Scalar>.rowsPerBlock) {
                workspace.clock.enter(.packingRows)
                workspace.left.pack(rows.rows(block))
                workspace.clock.enter(.inputProduct)
                multiply(workspace.left, inputForward, into: gates.rows(block), store: .bias(bias))
            }
        case .tokens(let tokens, let embedding):
            workspace.clock.enter(.embedding)
            workspace.left.pack(embedding, rows: tokens.tokens)
            let products = tokenGates.matrix(rows: tokens.tokens.count, columns: gateColumns)
            multiply(workspace.left, inputForward, into: products, store: .bias(bias))
        }
    }
}

/// `0..<count` in blocks of at most `size`.
func blocks(of count: Int, by size: Int) -> some Sequence<Range<Int>> {
    stride(from: 0, to: count, by: size).lazy.map { $0..<Swift.min($0 + size, count) }
}
