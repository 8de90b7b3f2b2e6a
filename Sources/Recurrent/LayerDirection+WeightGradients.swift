// The weight gradients of one direction of a layer, shard by shard.

import Numerics

extension LayerDirection {
    /// Delivers the gradients of the four parameters, after the backward pass.
    ///
    /// dW_hh = Σ dGates ⊗ previous hidden state, dW_ih = Σ dGates ⊗ input, db = Σ dGates. With tokens as input, the
    /// last two sums run over the shard's distinct tokens instead of its rows.
    /// - Parameter hidden: `[B + R, H]`, from the forward pass.
    mutating func deliverWeightGradients<Sink: GradientSink<Scalar> & ~Copyable>(
        _ input: LayerInput<Scalar>, hidden: Matrix<Scalar>, layout: ParameterLayout, nodes: [ShardRange],
        sink: inout Sink, sequences: PackedSequences, workspace: inout Workspace<Scalar>
    ) {
        let memory = memory(sequences)
        let recurrent = WeightGradient(
            tensor: tensors.recurrentWeights,
            inputs: RowsByShard(hidden, sequences.previousStateRows(direction)))
        let recurrentGradients = RowsByShard(
            cell.keepsRecurrentGates ? memory.recurrentGates : memory.gates, sequences.shardRows)
        let inputs: RowsByShard<Scalar>
        let inputGradients: RowsByShard<Scalar>
        switch input {
        case .rows(let rows):
            inputs = RowsByShard(rows, sequences.shardRows)
            inputGradients = RowsByShard(memory.gates, sequences.shardRows)
        case .tokens(let tokens, let embedding):
            let sums = tokenGateGradients.matrix(rows: tokens.shardTokenCount, columns: gateColumns)
            inputs = RowsByShard(embedding, tokens.shardTokens)
            inputGradients = RowsByShard(sums, tokens.shardPlaces)
        }
        let weights = WeightGradient(tensor: tensors.inputWeights, inputs: inputs)

        func deliver(_ products: [WeightGradient<Scalar>], _ gradients: RowsByShard<Scalar>) {
            workspace.deliver(
                products, outputGradients: gradients, layout: layout, nodes: nodes, sink: &sink, sequences: sequences)
        }
        func deliverSums(_ tensors: [Int], _ gradients: RowsByShard<Scalar>) {
            workspace.deliverSums(
                tensors: tensors, outputGradients: gradients, layout: layout, nodes: nodes, sink: &sink,
                sequences: sequences)
        }
        if case .rows = input, !cell.keepsRecurrentGates {
            deliver([recurrent, weights], recurrentGradients)
        } else {
            deliver([recurrent], recurrentGradients)
            deliver([weights], inputGradients)
        }
        if cell.keepsRecurrentGates {
            deliverSums([tensors.inputBias], inputGradients)
            deliverSums([tensors.recurrentBias], recurrentGradients)
        } else {
            deliverSums([tensors.inputBias, tensors.recurrentBias], inputGradients)
        }
    }
}
