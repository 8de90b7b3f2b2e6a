// Which tokens of a stream belong to which step: lanes that run through the text side by side.

/// The steps of a language model over one long text.
///
/// The text is cut into equal lanes, one for each place of the global batch, and each step reads the next `sequence`
/// tokens of every lane; a lane's hidden state is carried from step to step, and starts from zero with each epoch. Of
/// `n` tokens each lane has `m = (n - 1) / lanes`, lane `b` those from `b * m` on; the target is always the next token.
/// What remains at the end of the text, and at the end of a lane, is not learnt from.
///
///     n = 14, 3 lanes, sequence 2:     step 0    step 1
///     lane 0 reads  0  1  2  3         0 1       2 3
///     lane 1 reads  4  5  6  7         4 5       6 7
///     lane 2 reads  8  9 10 11         8 9       10 11
public struct StreamSchedule: Sendable, Equatable {
    /// The number of lanes: the size of the global batch.
    public let lanes: Int
    /// The tokens of a lane.
    public let laneLength: Int
    /// The tokens that a lane reads in one step.
    public let sequence: Int
    /// The steps of one epoch, at least 1.
    public let stepsPerEpoch: Int

    /// The schedule for a text.
    ///
    /// - Parameter path: what an error calls the text by.
    /// - Throws: ``CorpusError/tooShort(path:part:tokens:tokensNeeded:needed:)`` for less than one step.
    /// - Precondition: there is a lane, and a token a step.
    public init(tokenCount: Int, lanes: Int, sequence: Int, path: String = "corpus") throws(CorpusError) {
        precondition(lanes > 0 && sequence > 0, "no lanes, or no steps")
        self.lanes = lanes
        self.sequence = sequence
        laneLength = max(0, tokenCount - 1) / lanes
        stepsPerEpoch = laneLength / sequence
        guard stepsPerEpoch > 0 else {
            throw .tooShort(
                path: path, part: .training, tokens: tokenCount, tokensNeeded: lanes * sequence + 1,
                needed: Self.needed(lanes: lanes, sequence: sequence))
        }
    }

    static func needed(lanes: Int, sequence: Int) -> String {
        "one step of training.batch \(lanes) lanes by training.sequence \(sequence), and one more to predict"
    }

    /// Whether a step begins an epoch, so that its hidden state starts from zero.
    public func startsEpoch(step: Int) -> Bool { step % stepsPerEpoch == 0 }

    /// The places of the tokens that a lane reads in a step, counted from 0 over all epochs; each target is one
    /// further.
    ///
    /// - Precondition: `lane` is one of `lanes`, and `step` not negative.
    public func inputRange(lane: Int, step: Int) -> Range<Int> {
        precondition(lane >= 0 && lane < lanes && step >= 0, "no lane \(lane) or no step \(step)")
        let start = lane * laneLength + step % stepsPerEpoch * sequence
        return start..<(start + sequence)
    }

    /// What a lane reads and predicts in a step.
    public func tokens(
        lane: Int, step: Int, of tokens: MappedTokens
    ) -> (inputs: [Int32], targets: [Int32], startsEpoch: Bool) {
        let range = inputRange(lane: lane, step: step)
        let both = tokens.tokens(range.lowerBound..<range.upperBound + 1)
        return (Array(both.dropLast()), Array(both.dropFirst()), startsEpoch(step: step))
    }

    /// What a shard reads and predicts in a step: its lanes in order.
    public func shardBatch(shard: Int, of shards: Int, step: Int, tokens: MappedTokens) -> ShardBatch {
        let lanes = shardRange(shard: shard, shards: shards, lanes: lanes)
        var batch = ShardBatch(inputs: [], targets: [], lanes: lanes, startsFresh: startsEpoch(step: step))
        for lane in lanes {
            let part = self.tokens(lane: lane, step: step, of: tokens)
            batch.inputs.append(part.inputs)
            batch.targets.append(part.targets)
        }
        return batch
    }
}
