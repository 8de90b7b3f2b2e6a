// The loss of a model on a text, by the scheme of the cluster.

import Cluster
import Configuration
import Corpora
import Numerics
import Tasks

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The loss of a model on a text.
public struct TextLoss: Sendable, Equatable {
    /// The sum of losses, in nats.
    public var nats: Double
    /// How many tokens were predicted.
    public var tokens: Int
    /// Whether a token is a character, a byte or a word.
    public var tokenizer: TokenizerKind

    /// Nats a token.
    public var loss: Double { tokens > 0 ? nats / Double(tokens) : 0 }
    /// exp(loss): among how many equally likely tokens the model hesitates.
    public var perplexity: Double { exp(loss) }
    /// Bits a character, or a byte; `nil` where tokens are words.
    public var bitsPerSymbol: Double? { tokenizer == .words ? nil : loss / log(2) }
}

extension LoadedModel {
    /// The loss on tokens, divided among the run's shards and summed as a cluster does it: with the run's validation
    /// tokens it gives the run's validation loss, to the last bit.
    public mutating func evaluate(_ tokens: MappedTokens) throws(InferenceError) -> TextLoss {
        guard tokens.vocabularyCount == tokenizer.count else {
            throw .data(
                "\(tokens.path): its vocabulary has \(tokens.vocabularyCount) symbols, the model's \(tokenizer.count)")
        }
        guard (tokens.lineCount > 0) == readsSequences || tokens.count == 0 else {
            throw .data(
                "\(tokens.path): made for data.shape \(readsSequences ? "stream" : "sequences"), "
                    + "but the model's is \(configuration.data.shape.rawValue)")
        }
        let shards = configuration.training.shards
        let evaluation = TaskEvaluation(configuration, tokens: tokens, tokenizer: tokenizer)
        let outcomes = evaluation.evaluate(ShardRange(0, shards), with: &network).map {
            ShardOutcome(shard: $0.shard, loss: $0.loss, tokens: $0.tokens)
        }
        let sum = StepOutcome(summing: outcomes, along: ReductionTree(shards: shards))
        guard sum.tokens > 0 else { throw .data("\(tokens.path): too short: no token is left to predict") }
        guard sum.loss.isFinite else { throw .notFinite }
        return TextLoss(nats: sum.loss, tokens: sum.tokens, tokenizer: tokenizer.kind)
    }

    /// The loss on a text file, or on a token file that a run has prepared.
    ///
    /// A text is read as the run reads its own: as one stream, or line by line; characters outside of the vocabulary
    /// are errors, words outside of it are `<unk>`.
    ///
    /// - Throws: `InferenceError.data` with the file and, where it is about one, the line.
    public mutating func evaluate(file path: String) throws(InferenceError) -> TextLoss {
        if TextFile.startsAsTokenFile(path) {
            let tokens: MappedTokens
            do { tokens = try MappedTokens(path: path) } catch { throw .data("\(error)") }
            return try evaluate(tokens)
        }
        let (tokens, lines) = try encode(file: path)
        guard !tokens.isEmpty else { throw .data("\(path): holds no text to evaluate") }
        // What the scheme reads is a mapped file; this one has no name from here on.
        var template = Array("\(TextFile.temporaryDirectory)/rondo-evaluate-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw .data("\(TextFile.temporaryDirectory): cannot hold a temporary file") }
        close(descriptor)
        let temporary = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unlink(temporary) }
        do {
            try MappedTokens.write(tokens, lines: lines, vocabularyCount: tokenizer.count, to: temporary)
            let mapped = try MappedTokens(path: temporary)
            do { return try evaluate(mapped) } catch { throw error.renaming(temporary, to: path) }
        } catch let error as CorpusError {
            throw .data("\(error)")
        } catch let error as InferenceError {
            throw error
        } catch {
            throw .data("\(path): \(error)")
        }
    }
}

extension InferenceError {
    fileprivate func renaming(_ name: String, to path: String) -> InferenceError {
        guard case .data(let text) = self, text.hasPrefix(name) else { return self }
        return .data(path + text.dropFirst(name.count))
    }
}
