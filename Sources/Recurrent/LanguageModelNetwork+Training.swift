// One training step of the language model.

import Numerics

extension LanguageModelNetwork {
    /// Forward, loss and back: delivers the gradients of every chunk for every node of `nodes`.
    ///
    /// - Parameters:
    ///   - batch: all shards of the nodes.
    ///   - seed: of the run; with `step` it keys the dropout masks.
    ///   - carriedStates: for each shard the states before the first time step; zeros where missing or empty.
    ///   - nodes: nodes of the reduction tree, as `ReductionTree.nodes(covering:)` lists them.
    ///   - sink: receives output layer, upper layers, lower layers and embedding in this order.
    /// - Returns: for each shard of the batch its loss and its states after the last step.
    public mutating func trainingStep<Sink: GradientSink<Scalar> & ~Copyable>(
        _ batch: SequenceBatch, seed: UInt64, step: UInt32, carriedStates: [Int: [Scalar]], nodes: [ShardRange],
        sink: inout Sink
    ) -> [ShardOutcome<Scalar>] {
        packWeights(forBackward: true)
        workspace.clock.enter(.other)
        let (sequences, tokens, targets) = pack(batch)
        let key = shape.dropout > 0 ? DropoutKey(seed: seed, step: step) : nil
        let input = LayerInput.tokens(
            tokens, embedding: layout.matrix(ofTensor: embedding.tensor, in: weights))

        let outputs = recurrent.forward(
            input, carried: carried(carriedStates, sequences), dropout: key, sequences: sequences,
            workspace: &workspace)
        workspace.clock.enter(.dropout)
        let features = outputDropout.forward(outputs, key: key, sequences: sequences)
        let logits = logits.matrix(rows: sequences.rows, columns: shape.vocabulary)
        let losses = losses.matrix(rows: sequences.rows, columns: 1)
        let featureGradients = recurrent.outputGradients(sequences)
        for rows in blocks(of: sequences.rows, by: Workspace<Scalar>.rowsPerBlock) {
            workspace.clock.enter(.output)
            output.forward(features.rows(rows), into: logits.rows(rows), workspace: &workspace)
            workspace.clock.enter(.loss)
            softmaxCrossEntropy(
                logits: logits.rows(rows), targets: targets[rows], losses: losses.rows(rows),
                replacingLogitsByGradients: true)
            workspace.clock.enter(.output)
            output.backward(logits.rows(rows), into: featureGradients.rows(rows), workspace: &workspace)
        }
        workspace.clock.enter(.dropout)
        outputDropout.backward(featureGradients, key: key)
        workspace.clock.enter(.other)
        let outcomes = outcomes(losses, targets, sequences)

        output.deliverWeightGradients(
            inputs: features, outputGradients: logits, layout: layout, nodes: nodes, sink: &sink, sequences: sequences,
            workspace: &workspace)
        let embeddingGradients = embeddingGradients.matrix(rows: tokens.shardTokenCount, columns: shape.embeddingSize)
        recurrent.backward(
            inputGradients: embeddingGradients, dropout: key, layout: layout, nodes: nodes, sink: &sink,
            sequences: sequences, workspace: &workspace)
        workspace.clock.enter(.embedding)
        embedding.deliverGradients(
            embeddingGradients, tokens: tokens, layout: layout, nodes: nodes, sink: &sink, sequences: sequences,
            precision: shape.precision)
        workspace.clock.enter(.other)
        return outcomes
    }

    /// Each shard's sum of losses `[R, 1]`, count of tokens, and final states.
    mutating func outcomes(
        _ losses: Matrix<Scalar>, _ targets: [Int32], _ sequences: PackedSequences
    ) -> [ShardOutcome<Scalar>] {
        var states = recurrent.finalStates(sequences)
        var shardLosses = GrowingBuffer<Scalar>()
        return sequences.shards.indices.map { position in
            let rows = sequences.shardRows[position]
            let gathered = shardLosses.matrix(rows: rows.count, columns: 1)
            gathered.gather(rows[...], from: losses)
            var state: [Scalar] = []
            swap(&state, &states[position])
            return ShardOutcome(
                shard: sequences.shards[position], loss: gathered.sum,
                tokens: rows.reduce(0) { targets[Int($1)] < 0 ? $0 : $0 + 1 }, finalState: state)
        }
    }
}
