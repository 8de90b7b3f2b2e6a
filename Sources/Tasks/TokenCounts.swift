// How many tokens a shard has: what a worker reports is compared with it.

import Corpora
import Numerics

/// The number of tokens that each shard predicts in a step or an evaluation, from the schedule alone.
///
///     var counts = TokenCounts(task)
///     counts.training(step: 17, span: ShardRange(0, 2))       // one number for each shard
public struct TokenCounts: Sendable {
    private let training: MappedTokens
    private let shards: Int
    private let stepsPerEpoch: Int
    /// Of even and of odd epochs: without common steps shards may be in two neighbouring ones, and each schedule keeps
    /// the order of one.
    private var schedules: [TrainingSchedule]
    private let evaluation: (schedule: EvaluationSchedule, tokens: MappedTokens)?
    private var evaluationCounts: [Int: Int] = [:]

    /// The counts of a task.
    public init(_ task: LanguageModelTask) {
        training = task.training
        shards = task.shards
        stepsPerEpoch = task.stepsPerEpoch
        schedules = [task.schedule, task.schedule]
        evaluation = task.evaluation
    }

    /// What each shard of a span predicts in a training step.
    public mutating func training(step: Int, span: ShardRange) -> [Int] {
        let parity = step / stepsPerEpoch % 2
        return span.indices.map { schedules[parity].tokenCount(shard: $0, step: step, tokens: training) }
    }

    /// What each shard of a span predicts in an evaluation.
    public mutating func evaluation(span: ShardRange) -> [Int] {
        guard let evaluation else { return span.indices.map { _ in 0 } }
        return span.indices.map { shard in
            if let known = evaluationCounts[shard] { return known }
            let count = evaluation.schedule.predictionCount(ofShard: shard, tokens: evaluation.tokens)
            evaluationCounts[shard] = count
            return count
        }
    }
}
