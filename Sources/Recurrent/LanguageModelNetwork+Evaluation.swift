// Passes of the language model without gradients: evaluation, scoring, and stepping for generation.

import Numerics

extension LanguageModelNetwork {
    /// The losses of a batch, without dropout and gradients.
    ///
    /// - Parameter carriedStates: for each shard the states before the first time step; zeros where missing or empty.
    @specialized(where Scalar == Float)
    public mutating func evaluate(
        _ batch: SequenceBatch, carriedStates: [Int: [Scalar]] = [:]
    ) -> [ShardOutcome<Scalar>] {
        let (sequences, targets, losses) = run(batch, carriedStates)
        return outcomes(losses, targets, sequences)
    }

    /// Evaluates a batch that goes on where another ended, and adds its losses to sums that run on.
    ///
    /// Sequences that are read piece by piece so have the sums, to the last bit, that they have in one piece.
    ///
    /// - Parameters:
    ///   - carriedStates: for each shard the states before the first time step; zeros where missing or empty.
    ///   - losses: a sum for each shard of the batch, in the order of the losses: by time, then by place in the shard.
    /// - Returns: the states after the last time step of each shard of the batch; see ``CarriedState``.
    @specialized(where Scalar == Float)
    public mutating func evaluate(
        _ batch: SequenceBatch, carriedStates: [Int: [Scalar]], addingTo losses: inout [RunningSum]
    ) -> [[Scalar]] {
        precondition(losses.count == batch.shards.count, "\(losses.count) sums for \(batch.shards.count) shards")
        let (sequences, _, rowLosses) = run(batch, carriedStates)
        var shardLosses = GrowingBuffer<Scalar>()
        for position in batch.shards.indices {
            let rows = sequences.shardRows[position]
            let gathered = shardLosses.matrix(rows: rows.count, columns: 1)
            gathered.gather(rows[...], from: rowLosses)
            losses[position].add(gathered)
        }
        return recurrent.finalStates(sequences)
    }

    /// The log-probability in nats of every target of a batch, shaped as the batch: `[shard][sequence][time]`; 0 where
    /// there is no target.
    @specialized(where Scalar == Float)
    public mutating func tokenLogProbabilities(
        _ batch: SequenceBatch, carriedStates: [Int: [Scalar]] = [:]
    ) -> [[[Double]]] {
        let (sequences, _, losses) = run(batch, carriedStates)
        return sequences.positions.map { positions in
            positions.map { position in
                (0..<sequences.sequences[position].length).map { time in
                    0 - Double(losses[sequences.offsets[time] + position, 0])
                }
            }
        }
    }

    /// The loss of every packed row, `[R, 1]`.
    private mutating func run(
        _ batch: SequenceBatch, _ carriedStates: [Int: [Scalar]]
    ) -> (sequences: PackedSequences, targets: [Int32], losses: Matrix<Scalar>) {
        packWeights(forBackward: false)
        let (sequences, tokens, targets) = pack(batch)
        let features = features(tokens, carried: carried(carriedStates, sequences), sequences: sequences)
        let losses = losses.matrix(rows: sequences.rows, columns: 1)
        for rows in blocks(of: sequences.rows, by: Workspace<Scalar>.rowsPerBlock) {
            workspace.clock.enter(.output)
            let logits = logits.matrix(rows: rows.count, columns: shape.vocabulary)
            output.forward(features.rows(rows), into: logits, workspace: &workspace)
            workspace.clock.enter(.loss)
            softmaxCrossEntropy(
                logits: logits, targets: targets[rows], losses: losses.rows(rows), replacingLogitsByGradients: false)
        }
        workspace.clock.enter(.other)
        return (sequences, targets, losses)
    }

    /// The output of the recurrent layers, `[R, hidden]`.
    private mutating func features(
        _ tokens: DistinctTokens, carried: [[Scalar]], sequences: PackedSequences
    ) -> Matrix<Scalar> {
        recurrent.forward(
            .tokens(tokens, embedding: layout.matrix(ofTensor: embedding.tensor, in: weights)), carried: carried,
            dropout: nil, sequences: sequences, workspace: &workspace)
    }
}

/// The states of sequences that are generated token by token.
public struct GenerationState<Scalar: KernelScalar>: Sendable {
    /// The number of sequences.
    public let count: Int
    /// The states: see ``CarriedState``. Empty before the first token.
    public var states: [Scalar] = []
    fileprivate let sequences: PackedSequences

    /// The states of `count` sequences before their first token.
    public init(count: Int) {
        self.count = count
        sequences = PackedSequences(shards: [0], lengths: [[Int](repeating: 1, count: count)])
    }
}

extension LanguageModelNetwork {
    /// Reads one token of each sequence and returns the logits of the next, `[count, vocabulary]`, valid until the
    /// network is used again.
    @specialized(where Scalar == Float)
    public mutating func advance(_ state: inout GenerationState<Scalar>, tokens: [Int32]) -> Matrix<Scalar> {
        precondition(tokens.count == state.count, "\(tokens.count) tokens for \(state.count) sequences")
        packWeights(forBackward: false)
        let distinct = DistinctTokens(packed: tokens, sequences: state.sequences, vocabulary: shape.vocabulary)
        let features = features(distinct, carried: [state.states], sequences: state.sequences)
        state.states = recurrent.finalStates(state.sequences)[0]
        let logits = logits.matrix(rows: state.count, columns: shape.vocabulary)
        workspace.clock.enter(.output)
        output.forward(features, into: logits, workspace: &workspace)
        workspace.clock.enter(.other)
        return logits
    }
}
