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

    /// The evaluation of a task's validation data; `nil` if it has none.
    public init?(_ task: LanguageModelTask) {
        guard let evaluation = task.evaluation else { return nil }
        (schedule, tokens) = evaluation
        carriesState = task.carriesState
    }

    /// The evaluation of other tokens under a configuration.
    public init(_ configuration: RunConfiguration, tokens: MappedTokens, tokenizer: Tokenizer) {
        schedule = EvaluationSchedule(configuration, tokens: tokens, tokenizer: tokenizer)
        self.tokens = tokens
        carriesState = configuration.data.shape == .stream
    }

    /// The sums of the losses of the shards of `span`, in order, over all of their data.
    public func evaluate(
        _ span: ShardRange, with network: inout LanguageModelNetwork<Float>
    ) -> [(shard: Int, loss: Double, tokens: Int)] {
        var sums = span.indices.map { (shard: $0, loss: 0.0, tokens: 0) }
        var states: [Int: [Float]] = [:]
        for piece in 0..<schedule.pieces {
            let shards = span.indices.map {
                ShardSequences(shard: $0, schedule.shardBatch(shard: $0, piece: piece, tokens: tokens))
            }
            if carriesState {
                for shard in shards {
                    states[shard.shard] = states[shard.shard].map {
                        Self.states(
                            $0, ofFirst: shard.inputs.count, hiddenSize: network.shape.hiddenSize,
                            stateSize: network.stateSize)
                    }
                }
            }
            let outcomes = network.evaluate(SequenceBatch(shards: shards), carriedStates: states)
            for (position, outcome) in outcomes.enumerated() {
                sums[position].loss += outcome.loss
                sums[position].tokens += outcome.tokens
                if carriesState { states[outcome.shard] = outcome.finalState }
            }
        }
        return sums
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
