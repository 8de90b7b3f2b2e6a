// How a text is read to measure the loss on it: all of it, in the same order whatever the number of workers.

import Configuration

/// The pieces in which a text is evaluated, each of them divided among the shards.
///
/// A stream of `n` tokens has `n - 1` predictions, all of which count. They are cut into contiguous lanes, at least 16
/// and equally many for each shard, whose lengths differ by at most one, longer ones first; a piece is the next 256
/// tokens of every lane, and hidden state is carried from piece to piece. Lines are dealt out to the shards in turn; a
/// piece is the next 32 of each shard.
public struct EvaluationSchedule: Sendable, Equatable {
    /// The number of shards.
    public let shards: Int
    /// The number of pieces, at least 1: the pieces of a shard must be evaluated in order.
    public let pieces: Int
    /// All predictions of the text.
    public let predictionCount: Int

    private let layout: Layout

    private enum Layout: Sendable, Equatable {
        case stream(lanesPerShard: Int)
        case lines(lineCount: Int, endOfSequence: Int32, longest: Int)
    }

    /// The fewest lanes of a stream.
    public static let lanesMin = 16
    /// The tokens of a lane in one piece.
    public static let pieceLength = 256
    /// The lines of a shard in one piece.
    public static let pieceLines = 32

    /// The schedule for the text of a token file.
    ///
    /// - Parameters:
    ///   - endOfSequence: the token that starts and ends every line; `nil` to read the text as a stream.
    ///   - longest: the most tokens of a line that are read, which bounds the memory.
    /// - Precondition: there is at least one shard, and the file has lines where `endOfSequence` is given.
    public init(tokens: MappedTokens, shards: Int, endOfSequence: Int32?, longest: Int = 1 << 16) {
        precondition(shards > 0, "no shards")
        self.shards = shards
        if let endOfSequence {
            precondition(tokens.lineCount > 0 || tokens.count == 0, "the token file has no lines")
            layout = .lines(lineCount: tokens.lineCount, endOfSequence: endOfSequence, longest: longest)
            let linesOfFirstShard = (tokens.lineCount + shards - 1) / shards
            pieces = max(1, (linesOfFirstShard + Self.pieceLines - 1) / Self.pieceLines)
            predictionCount = (0..<tokens.lineCount).reduce(0) { $0 + min(tokens.line($1).count + 1, longest) }
        } else {
            let lanesPerShard = (Self.lanesMin + shards - 1) / shards
            layout = .stream(lanesPerShard: lanesPerShard)
            predictionCount = max(0, tokens.count - 1)
            let lanes = lanesPerShard * shards
            let longestLane = (predictionCount + lanes - 1) / lanes
            pieces = max(1, (longestLane + Self.pieceLength - 1) / Self.pieceLength)
        }
    }

    /// What a shard reads and predicts in a piece.
    ///
    /// Its lanes are those that have tokens in this piece: all of the shard's, or in the last piece the first ones.
    public func shardBatch(shard: Int, piece: Int, tokens: MappedTokens) -> ShardBatch {
        precondition(shard >= 0 && shard < shards && piece >= 0 && piece < pieces, "no such shard or piece")
        switch layout {
        case .stream(let lanesPerShard):
            let first = shard * lanesPerShard
            var batch = ShardBatch(inputs: [], targets: [], lanes: first..<first, startsFresh: piece == 0)
            for lane in first..<first + lanesPerShard {
                let range = predictions(ofLane: lane, lanes: lanesPerShard * shards)
                    .dropFirst(piece * Self.pieceLength).prefix(Self.pieceLength)
                if range.isEmpty { break }
                let both = tokens.tokens(range.lowerBound..<range.upperBound + 1)
                batch.inputs.append(Array(both.dropLast()))
                batch.targets.append(Array(both.dropFirst()))
                batch.lanes = first..<lane + 1
            }
            return batch
        case .lines(let lineCount, let endOfSequence, let longest):
            let first = shard + piece * Self.pieceLines * shards
            let lines = stride(from: first, to: lineCount, by: shards).prefix(Self.pieceLines)
                .map { (length: min(tokens.line($0).count + 1, longest), line: $0) }
                .sorted { ($1.length, $0.line) < ($0.length, $1.line) }
            var batch = ShardBatch()
            for (_, line) in lines {
                batch.append(line: line, of: tokens, endOfSequence: endOfSequence, longest: longest)
            }
            return batch
        }
    }

    /// How many tokens a shard predicts in all of its pieces.
    public func predictionCount(ofShard shard: Int, tokens: MappedTokens) -> Int {
        switch layout {
        case .stream(let lanesPerShard):
            return (shard * lanesPerShard..<(shard + 1) * lanesPerShard).reduce(0) {
                $0 + predictions(ofLane: $1, lanes: lanesPerShard * shards).count
            }
        case .lines(let lineCount, _, let longest):
            return stride(from: shard, to: lineCount, by: shards).reduce(0) {
                $0 + min(tokens.line($1).count + 1, longest)
            }
        }
    }

    /// The predictions of a lane: prediction `i` reads token `i` and is scored on token `i + 1`.
    private func predictions(ofLane lane: Int, lanes: Int) -> Range<Int> {
        let (length, longer) = predictionCount.quotientAndRemainder(dividingBy: lanes)
        let start = lane * length + min(lane, longer)
        return start..<(start + length + (lane < longer ? 1 : 0))
    }
}
