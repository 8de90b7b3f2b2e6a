// How likely a model finds lines of text.

import Configuration
import Corpora
import Numerics
import Platform
import Recurrent

/// What a model makes of one line.
public struct LineScore: Sendable, Equatable {
    /// The sum of the log-probabilities of its tokens, in nats.
    public var logProbability: Double
    /// How many tokens were predicted.
    public var tokens: Int
}

extension LoadedModel {
    /// The tokens of a line, whose line end is left out already.
    ///
    /// - Throws: `InferenceError.data` without a place: the caller knows file and line.
    public func encode(line: [UInt8]) throws(InferenceError) -> [Int32] {
        if tokenizer.kind == .bytes { return line.map { Int32($0) } }
        guard let text = String(validating: line, as: UTF8.self) else {
            if let other = TextEncoding.other(line) {
                throw .data("the text is in \(other); convert the text to UTF-8")
            }
            let fault = TextEncoding.fault(in: line) ?? 0
            let encoding = TextEncoding.eightBit(line, faultAt: fault)
            throw .data("not UTF-8 at byte \(fault) of the line; \(TextEncoding.advice(encoding))")
        }
        guard !line.contains(0) else { throw .data("holds zero bytes: \(TextEncoding.zeroByteAdvice(line))") }
        do {
            return try tokenizer.encode(text)
        } catch .unknownSymbol(let symbol, _) {
            throw .data(Self.notInVocabulary(symbol))
        } catch {
            throw .data("\(error)")
        }
    }

    /// The log-probabilities of lines, each on its own and from a fresh state: log p(line, line end | start of a line).
    ///
    /// The line's tokens and the token that ends it are predicted, after the token that ends a line: `<eos>`, or the
    /// line end itself in a stream of characters or bytes. A stream whose vocabulary has no line end predicts all
    /// tokens of the line but the first, which is given.
    ///
    /// - Throws: `InferenceError.data` if a score is not finite: such weights cannot be used.
    public mutating func score(_ lines: [[Int32]]) throws(InferenceError) -> [LineScore] {
        var scores = [LineScore](repeating: LineScore(logProbability: 0, tokens: 0), count: lines.count)
        // Lines of like length share a batch. Rows do not mix, so that the division changes no score.
        let order = lines.indices.sorted { (lines[$1].count, $0) < (lines[$0].count, $1) }
        for start in stride(from: 0, to: order.count, by: Self.linesPerBatch) {
            let batch = Array(order[start..<min(start + Self.linesPerBatch, order.count)])
            for (index, score) in zip(batch, score(batch: batch.map { Self.examples(of: lines[$0], lineEnd) })) {
                scores[index] = score
            }
        }
        guard scores.allSatisfy(\.logProbability.isFinite) else { throw .notFinite }
        return scores
    }

    private static var linesPerBatch: Int { 16 }
    private static var tokensPerPiece: Int { 256 }

    private static func examples(of line: [Int32], _ lineEnd: Int32?) -> (inputs: [Int32], targets: [Int32]) {
        guard let lineEnd else { return (Array(line.dropLast()), Array(line.dropFirst())) }
        return ([lineEnd] + line, line + [lineEnd])
    }

    /// Each line is a shard of its own: losses and states come back one by one. Long lines are read piece by piece.
    private mutating func score(batch: [(inputs: [Int32], targets: [Int32])]) -> [LineScore] {
        var scores = [LineScore](repeating: LineScore(logProbability: 0, tokens: 0), count: batch.count)
        var states: [Int: [Float]] = [:]
        let longest = batch.map(\.inputs.count).max() ?? 0
        for start in stride(from: 0, to: longest, by: Self.tokensPerPiece) {
            let shards = batch.indices.filter { batch[$0].inputs.count > start }.map { index in
                let range = start..<min(start + Self.tokensPerPiece, batch[index].inputs.count)
                return ShardSequences(
                    shard: index, inputs: [Array(batch[index].inputs[range])],
                    targets: [Array(batch[index].targets[range])])
            }
            for outcome in network.evaluate(SequenceBatch(shards: shards), carriedStates: states) {
                scores[outcome.shard].logProbability -= outcome.loss
                scores[outcome.shard].tokens += outcome.tokens
                states[outcome.shard] = outcome.finalState
            }
        }
        return scores
    }
}
