// A first configuration for a text: `rondo init`.

import Configuration
import Corpora
import Platform

/// A commented configuration whose sizes suit a text: it trains as it is, in minutes, and says what to change.
public struct StarterConfiguration: Sendable, Equatable {
    /// The text of the file.
    public let yaml: String
    /// What was seen of the text, in a few words.
    public let summary: String

    /// How much of the text is looked at.
    private static let textBytesMax = 64 << 20
    /// Lines as short as this on average are taken for examples of their own: names, words, commands.
    private static let shortLineTokens = 24.0

    /// Looks at a text.
    ///
    /// - Throws: `CorpusError` when it cannot be read, or is too short to learn from.
    public init(text path: String) throws(CorpusError) {
        var data = DataConfiguration(train: path, validation: .fraction(0))
        var text: TextInspection
        var remark = ""
        do throws(CorpusError) {
            text = try Self.inspect(data)
        } catch {
            // What is no text in UTF-8, and no other format by its looks, is learnt byte by byte.
            guard case .notUTF8(_, let offset, let line, nil, let encoding) = error else { throw error }
            data.tokenizer = .bytes
            remark =
                " (line \(line) is not UTF-8 at byte \(offset); to learn characters \(TextEncoding.advice(encoding)))"
            text = try Self.inspect(data)
        }
        let average = Double(text.tokens) / Double(max(1, text.lines.lines))
        if text.lines.lines >= 200, average <= Self.shortLineTokens, text.lines.longest <= 200 {
            data.shape = .sequences
            text = try Self.inspect(data)
        }
        let choice = try Choice(data, text)
        summary =
            "\(data.tokenizer.rawValue)\(remark), \(data.shape == .stream ? "one stream" : "a sequence on each line"), "
            + "\(Counted.text(text.vocabulary, "symbol")), \(Counted.text(choice.layers, "layer")) of \(choice.hidden)"
        yaml = Self.yaml(data, text, choice)
    }

    private static func inspect(_ data: DataConfiguration) throws(CorpusError) -> TextInspection {
        try TextInspection(path: data.train, data: data, longest: .max, bytesMax: textBytesMax)
    }

    /// Sizes for a text.
    private struct Choice {
        var layers = 2
        var hidden = 256
        var embedding = 64
        var dropout = 0.0
        var batch = 32
        var sequence = 64
        var epochs = 10
        var validation = 0.1
        var shards: Int { min(8, batch) }

        init(_ data: DataConfiguration, _ text: TextInspection) throws(CorpusError) {
            switch text.tokensOfFile {
            case ..<200_000: (layers, hidden, embedding, batch, sequence) = (1, 64, 24, 8, 32)
            case ..<2_000_000: (layers, hidden, embedding) = (1, 128, 48)
            case ..<20_000_000: break
            default: (hidden, batch) = (512, 64)
            }
            switch data.shape {
            case .stream:
                // At least twenty steps an epoch where the text allows it, and one in any case.
                func learnt() -> Int { Int(Double(text.tokensOfFile) * (1 - validation)) }
                while batch > 1, learnt() < 20 * batch * sequence { batch /= 2 }
                while sequence > 1, learnt() < 4 * batch * sequence { sequence /= 2 }
                if text.tokensOfFile < 200 { validation = 0 }
                guard learnt() > batch * sequence else {
                    throw .tooShort(
                        path: data.train, part: .training, tokens: text.tokens, tokensNeeded: 2,
                        needed: "one to read and one to predict")
                }
                let steps = max(1, learnt() / (batch * sequence))
                epochs = max(2, min(20, 3_000 / steps))
            case .sequences:
                sequence = max(16, text.lines.longest)
                while batch > 1, text.linesOfFile < 20 * batch { batch /= 2 }
                epochs = max(2, min(20, 3_000 * batch / max(1, text.linesOfFile)))
            }
        }
    }

    private static func yaml(_ data: DataConfiguration, _ text: TextInspection, _ choice: Choice) -> String {
        let isStream = data.shape == .stream
        let size = text.isComplete ? "" : " (from its first \(text.bytesRead >> 20) MiB)"
        let counts = [
            Counted.text(text.tokensOfFile, "token"), Counted.text(text.linesOfFile, "line"),
            Counted.text(text.vocabulary, "symbol"),
        ].joined(separator: ", ")
        let validation = choice.validation == 0 ? "0" : "\(choice.validation)"
        let batch = isStream ? "places in the text, read side by side in" : "lines of"
        let sequence =
            isStream ? "Tokens that are read at each of them in one update." : "The longest line; longer ones are cut."
        return """
            # A first configuration for \(ForeignText.shown(data.train, bytesMax: 200)): \
            \(counts)\(size).
            # Look before you start:  rondo check FILE      Train:  rondo train FILE      All keys:  rondo config FILE

            task: language-model          # learns to predict each token of a text from those before it

            data:
              # The text, relative to the directory where the command is run.
              train: \(RunConfiguration.quoted(data.train))
              # The part that is set aside to measure the loss on; or the path of another text; 0 for none.
              validation: \(validation)
              # What a token is: characters, bytes, or words (what stands between blanks).
              tokenizer: \(data.tokenizer.rawValue)
              # stream: one long text. sequences: each line is an example of its own, as names or commands are.
              shape: \(data.shape.rawValue)

            model:
              cell: lstm                  # or gru, or elman, the simplest one
              layers: \(pad("layers", choice.layers))# layers on top of each other
              hidden: \(pad("hidden", choice.hidden))# units of each layer: more learn more and take longer
              embedding: \(pad("embedding", choice.embedding))# features of a token
              dropout: \(pad("dropout", choice.dropout))# 0.2 or more where only the training loss still falls

            training:
              epochs: \(pad("epochs", choice.epochs))# how often the text is read
              batch: \(pad("batch", choice.batch))# \(batch) one update
              # \(sequence)
              sequence: \(choice.sequence)
              # Slices of a batch: at least as many as you will ever have workers. Another number gives other bits.
              shards: \(choice.shards)
              adam: {rate: 0.002}         # the learning rate; lower it if the loss jumps or grows
              clip: 5.0                   # the largest norm of a gradient
              seed: 1                     # another one gives another start

            checkpoints:
              every: 500                  # steps between two of them; one more is written at the end and at Ctrl-C
              keep: 3                     # how many are kept, besides the best one

            """
    }

    /// A value and blanks up to the column of the comments, behind a key of a section.
    private static func pad(_ key: String, _ value: some CustomStringConvertible) -> String {
        let text = "\(value)"
        return text + String(repeating: " ", count: max(1, 26 - key.count - text.count))
    }
}
