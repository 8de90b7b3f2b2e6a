// The steps of a run, whatever the shape of its text.

import Configuration

/// What every shard of every step learns from: a function of configuration, token file, seed and step.
///
///     var schedule = try TrainingSchedule(configuration, tokens: tokens, tokenizer: tokenizer)
///     let batch = schedule.shardBatch(shard: 3, step: 1_200, tokens: tokens)
public enum TrainingSchedule: Sendable {
    /// Lanes of one long text.
    case stream(StreamSchedule, shards: Int)
    /// Lines, each of them a sequence.
    case sequences(SequenceSchedule)

    /// The schedule of a configuration for its token file.
    ///
    /// - Throws: when the file does not have the configuration's shape, or is too short for a step.
    public init(
        _ configuration: RunConfiguration, tokens: MappedTokens, tokenizer: Tokenizer
    ) throws(CorpusError) {
        let training = configuration.training
        switch configuration.data.shape {
        case .stream:
            self = .stream(
                try StreamSchedule(
                    tokenCount: tokens.count, lanes: training.batch, sequence: training.sequence, path: tokens.path),
                shards: training.shards)
        case .sequences:
            guard tokens.lineCount > 0, let endOfSequence = tokenizer.endOfSequence else {
                throw .damaged(path: tokens.path, problem: "holds no lines, but data.shape is sequences")
            }
            self = .sequences(
                SequenceSchedule(
                    lineCount: tokens.lineCount, batch: training.batch, shards: training.shards,
                    longest: training.sequence, endOfSequence: endOfSequence, seed: training.seed))
        }
    }

    /// The steps of one epoch.
    public var stepsPerEpoch: Int {
        switch self {
        case .stream(let schedule, _): return schedule.stepsPerEpoch
        case .sequences(let schedule): return schedule.stepsPerEpoch
        }
    }

    /// The steps of a whole run: its epochs, or fewer where `training.steps` is reached before.
    public func stepCount(_ training: TrainingConfiguration) -> Int {
        let (steps, overflows) = stepsPerEpoch.multipliedReportingOverflow(by: training.epochs)
        return min(overflows ? .max : steps, training.steps ?? .max)
    }

    /// How many tokens a shard predicts in a step, counted from 0 over all epochs.
    ///
    /// - Precondition: `tokens` are those of the schedule.
    public mutating func tokenCount(shard: Int, step: Int, tokens: MappedTokens) -> Int {
        switch self {
        case .stream(let schedule, let shards):
            return shardRange(shard: shard, shards: shards, lanes: schedule.lanes).count * schedule.sequence
        case .sequences(var schedule):
            // The order of the epoch is kept for the next call.
            defer { self = .sequences(schedule) }
            return schedule.lines(shard: shard, step: step, tokens: tokens)
                .reduce(0) { $0 + schedule.exampleLength(UInt32($1), tokens) }
        }
    }

    /// What a shard reads and predicts in a step, counted from 0 over all epochs.
    ///
    /// - Precondition: `tokens` are those of the schedule.
    public mutating func shardBatch(shard: Int, step: Int, tokens: MappedTokens) -> ShardBatch {
        switch self {
        case .stream(let schedule, let shards):
            return schedule.shardBatch(shard: shard, of: shards, step: step, tokens: tokens)
        case .sequences(var schedule):
            let batch = schedule.shardBatch(shard: shard, step: step, tokens: tokens)
            self = .sequences(schedule)
            return batch
        }
    }
}
