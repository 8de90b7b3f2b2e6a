// The loss of a model on a text, by the scheme of the cluster.

import Cluster
import Configuration
import Corpora
import Numerics
import Platform
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
                "\(tokens.path): its vocabulary has \(Counted.text(tokens.vocabularyCount, "symbol")), "
                    + "the model's \(tokenizer.count)"
            )
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

    /// The loss on a text, or on a token file that a run has prepared.
    ///
    /// A text is read as the run reads its own: as one stream, or line by line; characters outside of the vocabulary
    /// are errors, words outside of it are `<unk>`.
    ///
    /// - Parameter path: a file, a pipe, or `-` for standard input.
    /// - Throws: `InferenceError.data` with the file and, where it is about one, the line.
    public mutating func evaluate(file path: String) throws(InferenceError) -> TextLoss {
        let tokens: MappedTokens
        do {
            tokens = try CorpusBuilder.tokens(of: path, tokenizer, configuration.data.shape)
        } catch {
            throw error.isStorageFailure ? .storage("\(error)") : .data(Self.problem(error))
        }
        return try evaluate(tokens)
    }

    /// What is wrong with a text that is not to be learnt from: advice on the configuration would come too late.
    private static func problem(_ error: CorpusError) -> String {
        switch error {
        case .unknownSymbol(let path, let symbol, let line): "\(path):\(line): \(notInVocabulary(symbol))"
        case .zeroByte(let path, _, let line, let advice): "\(path):\(line): holds zero bytes: \(advice)"
        case .notUTF8(let path, let offset, let line, nil, let encoding):
            "\(path):\(line): not UTF-8 at byte \(offset); \(TextEncoding.advice(encoding))"
        case .empty(let path): "\(path): holds no text to evaluate"
        default: "\(error)"
        }
    }
}
