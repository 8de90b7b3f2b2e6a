// What becomes of line ends: one rule for every text that is read.

import Configuration

/// How the line ends of a text of characters or bytes are read. (Among words all are white space.)
///
/// Texts of other systems end their lines with `CR LF`. Where that is a matter of the vocabulary, the vocabulary
/// decides: a model whose text had carriage returns knows them, and reads them; for another one `CR LF` is a line end
/// like `LF`. So the same text gives the same tokens in training, evaluation, scores and prompts.
enum LineEnds: Sendable {
    /// All bytes are symbols.
    case symbols
    /// All bytes are symbols, but for a carriage return before a line feed, which is nothing.
    case lineFeeds
    /// `LF` and `CR LF` end a line, and are no symbols.
    case ends

    /// In a text whose vocabulary is yet to be made.
    init(_ shape: StreamShape) { self = shape == .sequences ? .ends : .symbols }

    /// In a text that is read with a vocabulary.
    init(_ shape: StreamShape, _ tokenizer: Tokenizer) {
        self = shape == .sequences ? .ends : tokenizer.readsCarriageReturns ? .symbols : .lineFeeds
    }
}

extension Tokenizer {
    /// Whether a carriage return is a symbol: always of bytes, never of words, and of characters where the text that
    /// was learnt had one.
    public var readsCarriageReturns: Bool { kind != .words && scalarTable.token(0x0D) >= 0 }
}
