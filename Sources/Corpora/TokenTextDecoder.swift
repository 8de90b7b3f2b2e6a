// Text out of tokens that come one by one.

import Configuration

/// Turns tokens into text as they come, holding back bytes until they are whole characters.
///
///     var decoder = TokenTextDecoder(tokenizer)       // of bytes
///     decoder.append(0xC3)                            // "": the first half of a letter
///     decoder.append(0xBC)                            // "ü"
///     decoder.finish()                                // "": nothing was left
///
/// `<eos>` becomes a line end. Words have a blank before them except at the start of a line. The pieces together are
/// what ``Tokenizer/decode(_:)`` gives.
public struct TokenTextDecoder: Sendable {
    private let tokenizer: Tokenizer
    /// The beginning of a character whose rest is to come, at most three bytes.
    private var pending: [UInt8] = []
    private var isAtLineStart = true

    /// A decoder at the start of a text.
    public init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// The text that is complete with this token.
    ///
    /// - Precondition: `token` is one of the tokenizer's.
    public mutating func append(_ token: Int32) -> String {
        if token == tokenizer.endOfSequence {
            let rest = finish()
            isAtLineStart = true
            return rest + "\n"
        }
        switch tokenizer.kind {
        case .characters: return tokenizer.text(of: token)
        case .words:
            defer { isAtLineStart = false }
            return isAtLineStart ? tokenizer.text(of: token) : " " + tokenizer.text(of: token)
        case .bytes: return append(byte: UInt8(truncatingIfNeeded: token))
        }
    }

    /// What remains: a character that was begun and not finished becomes U+FFFD.
    public mutating func finish() -> String {
        defer { pending.removeAll(keepingCapacity: true) }
        return String(decoding: pending, as: UTF8.self)
    }

    private mutating func append(byte: UInt8) -> String {
        pending.append(byte)
        let incomplete = pending.withUnsafeBytes { UTF8Decoding.incompleteSuffixLength($0) }
        let complete = pending.prefix(pending.count - incomplete)
        let text = String(decoding: complete, as: UTF8.self)
        pending.removeFirst(complete.count)
        return text
    }
}
