// Which lines belong to which step: every line once an epoch, in an order of its own, beside lines of like length.

import Numerics

/// The steps over a text whose lines are sequences of their own.
///
/// Every epoch reads every line once. Its order is a function of seed and epoch: all lines are shuffled; windows of 64
/// global batches are sorted by length, so that a batch holds lines of like length and little is computed in vain; the
/// windows are cut into batches; and the batches are shuffled. Only the last batch of the last window may be smaller.
public struct SequenceSchedule: Sendable {
    /// The number of lines.
    public let lineCount: Int
    /// The lines of a global batch.
    public let batch: Int
    /// The number of shards that a batch is dealt out to.
    public let shards: Int
    /// The longest example, in tokens; of a longer line the beginning is learnt.
    public let longest: Int
    /// The token that starts and ends every sequence.
    public let endOfSequence: Int32
    /// Decides the order.
    public let seed: UInt64
    /// The steps of one epoch.
    public let stepsPerEpoch: Int

    /// The epoch whose order was asked for last: steps come in order, so that it serves many of them.
    private var current: SequenceEpoch?

    /// How many batches are sorted by length together.
    public static let windowBatches = 64

    /// The schedule for a token file of lines.
    ///
    /// - Precondition: there is at least one line, and the batch, the shards and the longest example are positive.
    public init(
        lineCount: Int, batch: Int, shards: Int, longest: Int, endOfSequence: Int32, seed: UInt64
    ) {
        precondition(lineCount > 0 && batch > 0 && shards > 0 && longest > 0, "an empty schedule")
        self.lineCount = lineCount
        self.batch = batch
        self.shards = shards
        self.longest = longest
        self.endOfSequence = endOfSequence
        self.seed = seed
        stepsPerEpoch = (lineCount + batch - 1) / batch
    }

    /// The order of one epoch, counted from 0.
    ///
    /// - Precondition: `tokens` has as many lines as the schedule.
    public func epoch(_ epoch: Int, of tokens: MappedTokens) -> SequenceEpoch {
        precondition(tokens.lineCount == lineCount, "a schedule for \(lineCount) lines, not \(tokens.lineCount)")
        let stream = RandomStream(seed: seed, purpose: .shuffle, step: UInt32(truncatingIfNeeded: epoch))
        var lines = stream.permutation(lineCount, Self.lineSequence)
        let window = batch * Self.windowBatches
        for start in stride(from: 0, to: lineCount, by: window) {
            let range = start..<min(start + window, lineCount)
            // The place in the shuffled order decides between lines of one length: sorting is the same everywhere.
            let sorted = range.map { (length: exampleLength(lines[$0], tokens), place: $0) }
                .sorted { ($1.length, $0.place) < ($0.length, $1.place) }
            lines.replaceSubrange(range, with: sorted.map { lines[$0.place] })
        }
        return SequenceEpoch(
            epoch: epoch, batch: batch, lines: lines,
            batches: stream.permutation(stepsPerEpoch, Self.batchSequence))
    }

    /// What a shard reads and predicts in a step, counted from 0 over all epochs.
    ///
    /// The result depends on nothing but the arguments; the order of the step's epoch is kept for the next call.
    public mutating func shardBatch(shard: Int, step: Int, tokens: MappedTokens) -> ShardBatch {
        var result = ShardBatch()
        for line in lines(shard: shard, step: step, tokens: tokens) {
            result.append(line: line, of: tokens, endOfSequence: endOfSequence, longest: longest)
        }
        return result
    }

    /// The lines that a shard learns from in a step, counted from 0 over all epochs.
    public mutating func lines(shard: Int, step: Int, tokens: MappedTokens) -> [Int] {
        precondition(shard >= 0 && shard < shards && step >= 0, "no shard \(shard) or no step \(step)")
        let number = step / stepsPerEpoch
        let order: SequenceEpoch
        if let current, current.epoch == number {
            order = current
        } else {
            order = epoch(number, of: tokens)
            current = order
        }
        let lines = order.lines(ofBatch: step % stepsPerEpoch)
        return stride(from: lines.startIndex + shard, to: lines.endIndex, by: shards).map { Int(lines[$0]) }
    }

    /// How many tokens of a line are predicted.
    func exampleLength(_ line: UInt32, _ tokens: MappedTokens) -> Int {
        min(tokens.line(Int(line)).count + 1, longest)
    }

    /// The random sequences of an epoch: one for the lines, one for the batches.
    private static let lineSequence: UInt32 = 0
    private static let batchSequence: UInt32 = 1
}

/// The order of the lines in one epoch.
public struct SequenceEpoch: Sendable, Equatable {
    /// The epoch, counted from 0.
    public let epoch: Int
    private let batch: Int
    /// All lines, batch by batch, each in order of falling length.
    private let lines: [UInt32]
    /// Which batch is taken at each step.
    private let batches: [UInt32]

    init(epoch: Int, batch: Int, lines: [UInt32], batches: [UInt32]) {
        self.epoch = epoch
        self.batch = batch
        self.lines = lines
        self.batches = batches
    }

    /// The lines of a global batch in order of falling length; the one at place `i` is shard `i % shards`'s.
    ///
    /// - Precondition: `step` is one of the epoch's.
    public func lines(ofBatch step: Int) -> ArraySlice<UInt32> {
        let start = Int(batches[step]) * batch
        return lines[start..<min(start + batch, lines.count)]
    }
}
