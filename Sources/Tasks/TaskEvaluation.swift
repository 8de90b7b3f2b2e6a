// The validation loss, shard by shard.

import Configuration
import Corpora
import Numerics
import Recurrent

/// The loss of a text under a network, in the same division into shards on every cluster.
public struct TaskEvaluation: Sendable {
    private let schedule: EvaluationSchedule
    private let tokens: MappedTokens
    private let carriesState: Bool
    /// The rows that the network works on at a time, over all shards of a span: as many as in training, within limits.
    private let rowsOfWindow: Int

    /// Fewer rows than these leave the products inefficient, and take little memory.
    private static let rowsMin = 4096
    private static let rowsMax = 1 << 16
    /// The fewest time steps of a window.
    private static let windowMin = 8

    /// The evaluation of a task's validation data; `nil` if it has none.
    public init?(_ task: LanguageModelTask) {
        guard let evaluation = task.evaluation else { return nil }
        (schedule, tokens) = evaluation
        carriesState = task.carriesState
        rowsOfWindow = Self.rowsOfWindow(task.configuration)
    }

    /// The evaluation of other tokens under a configuration.
    public init(_ configuration: RunConfiguration, tokens: MappedTokens, tokenizer: Tokenizer) {
        schedule = EvaluationSchedule(configuration, tokens: tokens, tokenizer: tokenizer)
        self.tokens = tokens
        carriesState = configuration.data.shape == .stream
        rowsOfWindow = Self.rowsOfWindow(configuration)
    }

    private static func rowsOfWindow(_ configuration: RunConfiguration) -> Int {
        let training = configuration.training
        return min(max(training.batch * training.sequence, rowsMin), rowsMax)
    }

    /// The sums of the losses of the shards of `span`, in order, over all of their data.
    ///
    /// Takes about the memory of a training step, however long the lines are: a piece is read in windows of time.
    public func evaluate(
        _ span: ShardRange, with network: inout LanguageModelNetwork<Float>
    ) -> [(shard: Int, loss: Double, tokens: Int)] {
        var sums = span.indices.map { (shard: $0, loss: 0.0, tokens: 0) }
        var states: [Int: [Float]] = [:]
        for piece in 0..<schedule.pieces {
            if !carriesState { states = [:] }
            let outcomes = evaluate(piece, of: span, with: &network, states: &states)
            for (position, outcome) in outcomes.enumerated() {
                sums[position].loss += outcome.value
                sums[position].tokens += outcome.count
            }
        }
        return sums
    }

    /// The losses of the shards of `span` in one piece. Windows change no bit of a sum, which runs on through them.
    private func evaluate(
        _ piece: Int, of span: ShardRange, with network: inout LanguageModelNetwork<Float>,
        states: inout [Int: [Float]]
    ) -> [RunningSum] {
        var losses = [RunningSum](repeating: RunningSum(), count: span.indices.count)
        let sequences = span.indices.map { schedule.sequences(shard: $0, piece: piece, tokens: tokens) }
        let longest = sequences.map { $0.first?.length ?? 0 }.max() ?? 0
        var start = 0
        repeat {
            let active = sequences.reduce(0) { $0 + $1.count { $0.length > start } }
            let end = min(longest, start + max(Self.windowMin, rowsOfWindow / max(1, active)))
            let shards = zip(span.indices, sequences).map { shard, sequences in
                ShardSequences(
                    shard: shard, schedule.shardBatch(sequences, window: start..<end, tokens: tokens))
            }
            for shard in shards {
                states[shard.shard] = states[shard.shard].map {
                    Self.states(
                        $0, ofFirst: shard.inputs.count, hiddenSize: network.shape.hiddenSize,
                        stateSize: network.stateSize)
                }
            }
            let final = network.evaluate(SequenceBatch(shards: shards), carriedStates: states, addingTo: &losses)
            for (shard, state) in zip(shards, final) { states[shard.shard] = state }
            start = end
        } while start < longest
        return losses
    }

    /// The states of the first `count` sequences: the last piece of a stream has fewer lanes.
    private static func states(_ states: [Float], ofFirst count: Int, hiddenSize: Int, stateSize: Int) -> [Float] {
        let before = states.count / max(1, stateSize)
        guard count < before else { return states }
        return stride(from: 0, to: states.count, by: before * hiddenSize).flatMap {
            states[$0..<$0 + count * hiddenSize]
        }
    }
}
