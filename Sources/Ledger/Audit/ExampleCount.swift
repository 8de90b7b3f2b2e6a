// What each step should have counted, from the run's own data.

import Configuration
import Corpora

/// The examples and tokens of each shard of each step, as the run's configuration and data have them.
public struct ExampleCount {
    /// The shards of a step.
    public let shards: Int
    /// The steps of one pass over the data.
    public let stepsPerEpoch: Int
    /// The steps of the whole run.
    public let totalSteps: Int
    /// The examples of an epoch.
    public let examplesPerEpoch: Int
    /// The tokens of an epoch: the sum over all examples, without regard to steps.
    public let tokensPerEpoch: Int
    private var schedule: TrainingSchedule
    private let tokens: MappedTokens
    private var seen: [Bool] = []

    /// Over prepared training data.
    ///
    /// - Throws: when they do not fit the configuration.
    public init(_ configuration: RunConfiguration, tokens: MappedTokens, tokenizer: Tokenizer) throws(CorpusError) {
        let schedule = try TrainingSchedule(configuration, tokens: tokens, tokenizer: tokenizer)
        self.schedule = schedule
        self.tokens = tokens
        shards = configuration.training.shards
        stepsPerEpoch = schedule.stepsPerEpoch
        totalSteps = schedule.stepCount(configuration.training)
        examplesPerEpoch = schedule.exampleCount
        tokensPerEpoch = (0..<schedule.exampleCount).reduce(0) {
            $0 + schedule.tokenCount(ofExample: $1, tokens: tokens)
        }
    }

    /// The tokens of a span's shards in a step, which is counted from 1.
    public mutating func tokens(ofStep step: Int, shards: Range<Int>) -> [Int] {
        shards.map { shard in
            schedule.examples(shard: shard, step: step - 1, tokens: tokens).reduce(0) {
                $0 + schedule.tokenCount(ofExample: $1, tokens: tokens)
            }
        }
    }

    /// Whether the shards of the steps of an epoch (counted from 0) hold each of its examples exactly once.
    public mutating func isEpochCovered(_ epoch: Int) -> Bool {
        seen = Array(repeating: false, count: examplesPerEpoch)
        var count = 0
        for step in epoch * stepsPerEpoch..<(epoch + 1) * stepsPerEpoch {
            for shard in 0..<shards {
                for example in schedule.examples(shard: shard, step: step, tokens: tokens) {
                    guard seen.indices.contains(example), !seen[example] else { return false }
                    seen[example] = true
                    count += 1
                }
            }
        }
        return count == examplesPerEpoch
    }
}
