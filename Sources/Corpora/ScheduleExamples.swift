// Which examples a shard learns from in a step, and how many tokens each has: what an audit counts.

extension TrainingSchedule {
    /// The examples of an epoch, each learnt from once: the lines, or of a stream each lane's tokens of each step.
    public var exampleCount: Int {
        switch self {
        case .stream(let schedule, _): schedule.lanes * schedule.stepsPerEpoch
        case .sequences(let schedule): schedule.lineCount
        }
    }

    /// The examples of a shard in a step, counted from 0 over all epochs; numbers below ``exampleCount``.
    ///
    /// - Precondition: `tokens` are those of the schedule.
    public mutating func examples(shard: Int, step: Int, tokens: MappedTokens) -> [Int] {
        switch self {
        case .stream(let schedule, let shards):
            let place = step % schedule.stepsPerEpoch
            return shardRange(shard: shard, shards: shards, lanes: schedule.lanes)
                .map { $0 * schedule.stepsPerEpoch + place }
        case .sequences(var schedule):
            let lines = schedule.lines(shard: shard, step: step, tokens: tokens)
            self = .sequences(schedule)
            return lines
        }
    }

    /// How many tokens of an example are predicted.
    public func tokenCount(ofExample example: Int, tokens: MappedTokens) -> Int {
        switch self {
        case .stream(let schedule, _): schedule.sequence
        case .sequences(let schedule): schedule.exampleLength(UInt32(example), tokens)
        }
    }
}
