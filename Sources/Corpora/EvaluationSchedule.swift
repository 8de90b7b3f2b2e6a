// How a text is read to measure the loss on it: all of it, in the same order whatever the number of workers.

import Configuration

/// The pieces in which a text is evaluated, each of them divided among the shards.
///
/// A stream of `n` tokens has `n - 1` predictions, all of which count. They are cut into contiguous lanes, at least 16
/// and equally many for each shard, whose lengths differ by at most one, longer ones first; a piece is the next 256
/// tokens of every lane, and hidden state is carried from piece to piece. Lines are dealt out to the shards in turn; a
/// piece is the next 32 of each shard, whole, however long they are.
///
/// A piece can be read in windows of time, so that long lines take no more memory than short ones.
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
        case lines(lineCount: Int, endOfSequence: Int32)
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
    /// - Precondition: there is at least one shard, and the file has lines where `endOfSequence` is given.
    public init(tokens: MappedTokens, shards: Int, endOfSequence: Int32?) {
        precondition(shards > 0, "no shards")
        self.shards = shards
        if let endOfSequence {
            precondition(tokens.lineCount > 0 || tokens.count == 0, "the token file has no lines")
            layout = .lines(lineCount: tokens.lineCount, endOfSequence: endOfSequence)
            let linesOfFirstShard = (tokens.lineCount + shards - 1) / shards
            pieces = max(1, (linesOfFirstShard + Self.pieceLines - 1) / Self.pieceLines)
            predictionCount = tokens.count + tokens.lineCount
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
        let sequences = sequences(shard: shard, piece: piece, tokens: tokens)
        var batch = shardBatch(sequences, window: 0..<(sequences.first?.length ?? 0), tokens: tokens)
        if case .stream(let lanesPerShard) = layout {
            batch.lanes = shard * lanesPerShard..<shard * lanesPerShard + sequences.count
            batch.startsFresh = piece == 0
        }
        return batch
    }

    /// The sequences that a shard reads in a piece, in order of falling length, equal ones in the order of the text.
    public func sequences(shard: Int, piece: Int, tokens: MappedTokens) -> [EvaluationSequence] {
        precondition(shard >= 0 && shard < shards && piece >= 0 && piece < pieces, "no such shard or piece")
        switch layout {
        case .stream(let lanesPerShard):
            let first = shard * lanesPerShard
            return (first..<first + lanesPerShard).lazy.map { lane in
                let range = predictions(ofLane: lane, lanes: lanesPerShard * shards)
                    .dropFirst(piece * Self.pieceLength).prefix(Self.pieceLength)
                return EvaluationSequence(tokens: range, endOfSequence: nil, place: lane)
            }.prefix { $0.length > 0 }
        case .lines(let lineCount, let endOfSequence):
            let first = shard + piece * Self.pieceLines * shards
            return stride(from: first, to: lineCount, by: shards).prefix(Self.pieceLines)
                .map { EvaluationSequence(tokens: tokens.line($0), endOfSequence: endOfSequence, place: $0) }
                .sorted { ($1.length, $0.place) < ($0.length, $1.place) }
        }
    }

    /// What the sequences of a shard read and predict in a window of time; those that end before it are left out.
    public func shardBatch(
        _ sequences: [EvaluationSequence], window: Range<Int>, tokens: MappedTokens
    ) -> ShardBatch {
        var batch = ShardBatch()
        for sequence in sequences where sequence.length > window.lowerBound {
            let range = window.clamped(to: 0..<sequence.length)
            batch.inputs.append(sequence.inputs(range, tokens))
            batch.targets.append(sequence.targets(range, tokens))
        }
        return batch
    }

    /// How many tokens a shard predicts in all of its pieces.
    public func predictionCount(ofShard shard: Int, tokens: MappedTokens) -> Int {
        switch layout {
        case .stream(let lanesPerShard):
            return (shard * lanesPerShard..<(shard + 1) * lanesPerShard).reduce(0) {
                $0 + predictions(ofLane: $1, lanes: lanesPerShard * shards).count
            }
        case .lines(let lineCount, _):
            return stride(from: shard, to: lineCount, by: shards).reduce(0) { $0 + tokens.line($1).count + 1 }
        }
    }

    /// The predictions of a lane: prediction `i` reads token `i` and is scored on token `i + 1`.
    private func predictions(ofLane lane: Int, lanes: Int) -> Range<Int> {
        let (length, longer) = predictionCount.quotientAndRemainder(dividingBy: lanes)
        let start = lane * length + min(lane, longer)
        return start..<(start + length + (lane < longer ? 1 : 0))
    }
}

/// One sequence of a piece: a stretch of a lane, or a line.
public struct EvaluationSequence: Sendable, Equatable {
    /// Of a lane the tokens that are read; of a line all of its tokens.
    let tokens: Range<Int>
    /// What stands before and behind a line; `nil` for a lane, which is predicted one token further.
    let endOfSequence: Int32?
    /// The number of the lane or line.
    let place: Int

    /// The number of predictions.
    public var length: Int { tokens.count + (endOfSequence == nil ? 0 : 1) }

    fileprivate func inputs(_ range: Range<Int>, _ text: MappedTokens) -> [Int32] {
        guard let endOfSequence else { return text.tokens(place(range)) }
        let line = text.tokens(place(max(0, range.lowerBound - 1)..<max(0, range.upperBound - 1)))
        return range.lowerBound == 0 && !range.isEmpty ? [endOfSequence] + line : line
    }

    fileprivate func targets(_ range: Range<Int>, _ text: MappedTokens) -> [Int32] {
        guard let endOfSequence else {
            return text.tokens(place(range.lowerBound + 1..<range.upperBound + 1))
        }
        let line = text.tokens(place(range.clamped(to: 0..<tokens.count)))
        return range.upperBound > tokens.count ? line + [endOfSequence] : line
    }

    private func place(_ range: Range<Int>) -> Range<Int> {
        tokens.lowerBound + range.lowerBound..<tokens.lowerBound + range.upperBound
    }
}
