// The backward pass of one direction of a layer.

import Numerics

extension LayerDirection {
    /// Back through time: gates become their gradients, and the gradient of the input is formed.
    ///
    /// - Parameters:
    ///   - hidden: `[B + R, H]`, from the forward pass.
    ///   - hiddenGradients: `[B + R, H]`; the rows hold the gradient from above. Gradients through time are added; the
    ///     first block (cleared by the caller) gets that of the states before the first step if `toInitialStates`.
    ///   - inputGradients: `[input.gradientRows, in]`, written, or added to if `adding`; `nil` if nobody needs it.
    @specialized(where Scalar == Float)
    mutating func backward(
        _ input: LayerInput<Scalar>, hidden: Matrix<Scalar>, hiddenGradients: Matrix<Scalar>, toInitialStates: Bool,
        inputGradients: Matrix<Scalar>?, adding: Bool, sequences: PackedSequences,
        workspace: inout Workspace<Scalar>
    ) {
        let memory = memory(sequences)
        memory.cellGradients.clear()
        let recurrentSource = cell.keepsRecurrentGates ? memory.recurrentGates : memory.gates
        let joined = joinedInputGradients(input, inputGradients, sequences)
        let store: ProductStore<Scalar> = adding ? .add : .replace
        for segment in sequences.segments(direction).reversed() {
            workspace.clock.enter(.gates)
            let gradients = memory.gradients(segment, hidden: hiddenGradients)
            cell.backward(memory.views(segment, hidden: hidden), gradients)
            let isLast = segment.isFirst && !toInitialStates
            if isLast && joined == nil { continue }
            workspace.clock.enter(.packingRows)
            workspace.left.pack(recurrentSource.rows(segment.rows))
            if let joined {
                workspace.clock.enter(.inputProduct)
                multiply(workspace.left, inputBackward, into: joined.rows(segment.rows), store: store)
            }
            if isLast { continue }
            workspace.clock.enter(.recurrentProduct)
            let previous = hiddenGradients.rows(segment.previous)
            multiply(workspace.left, recurrentBackward, into: previous, store: .add)
            if cell.keepsRecurrentGates { previous.add(gradients.direct) }
        }

        if joined != nil { return }
        let source: Matrix<Scalar>
        switch input {
        case .rows: source = memory.gates
        case .tokens(let tokens, embedding: _):
            workspace.clock.enter(.embedding)
            source = tokenGateGradients.matrix(rows: tokens.shardTokenCount, columns: gateColumns)
            source.clear()
            for (rows, slots) in zip(sequences.shardRows, tokens.shardSlots) {
                source.scatterAdd(memory.gates, rows: rows, slots: slots)
            }
        }
        guard let inputGradients else { return }
        for block in blocks(of: source.rows, by: Workspace<Scalar>.rowsPerBlock / 2) {
            workspace.clock.enter(.packingRows)
            workspace.left.pack(source.rows(block))
            workspace.clock.enter(.inputProduct)
            multiply(workspace.left, inputBackward, into: inputGradients.rows(block), store: store)
        }
    }

    /// The input gradients if they are best formed time step by time step, from the gate gradients that the recurrent
    /// product has just packed; not so for few rows a step (each step then reads all weights for little work), for the
    /// sums over tokens, and where the recurrent product has gate gradients of its own.
    private func joinedInputGradients(
        _ input: LayerInput<Scalar>, _ inputGradients: Matrix<Scalar>?, _ sequences: PackedSequences
    ) -> Matrix<Scalar>? {
        guard case .rows = input, !cell.keepsRecurrentGates, sequences.hasManyRowsPerStep else { return nil }
        return inputGradients
    }
}
