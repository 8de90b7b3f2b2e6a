// What is wrong with a corpus or a token file, said so that its user can mend it.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A corpus that cannot be read, or cannot be trained on.
public enum CorpusError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call on a file failed; `code` is its `errno`.
    case file(path: String, operation: String, code: Int32)
    /// Something else than a regular file, such as a pipe: a text is read more than once.
    case notRegular(path: String, is: String, expected: String)
    /// A text that somebody wrote to while it was read.
    case changing(path: String)
    /// A text without any token.
    case empty(path: String)
    /// Bytes that are not UTF-8, from an offset counted from 0, on a line counted from 1. `found` is what the file is
    /// instead, where its first bytes tell; `encoding` is what the bytes around there speak for, as iconv calls it.
    case notUTF8(path: String, byteOffset: Int, line: Int, found: String?, encoding: String?)
    /// A zero byte, which no text in UTF-8 has; `advice` says what the text may be and what to do.
    case zeroByte(path: String, byteOffset: Int, line: Int, advice: String)
    /// A character of a text that the vocabulary, made from the training text, does not have.
    case unknownSymbol(path: String, symbol: String, line: Int)
    /// A text whose part is too short for a step; `needed` says what for.
    case tooShort(path: String, part: CorpusPart, tokens: Int, tokensNeeded: Int, needed: String)
    /// Lines of which `data.validation` leaves none to learn from.
    case noLines(path: String, lines: Int)
    /// A stretch without white space that no word has.
    case wordTooLong(path: String, byteOffset: Int, bytesMax: Int)
    /// More distinct words than a vocabulary of words may have.
    case tooManyWords(path: String, wordsMax: Int)
    /// A token file, or a prepared corpus, that is not whole.
    case damaged(path: String, problem: String)
    /// A token file that is not the one it should be.
    case differs(path: String, expected: String, found: String)
    /// A `tokenizer.json` that cannot be read.
    case tokenizer(path: String, TokenizerError)

    /// Whether the disk is to blame rather than what a file holds: 74 in place of 65.
    public var isStorageFailure: Bool {
        guard case .file(_, let operation, let code) = self else { return false }
        return operation != "read" || [EIO, ESTALE, EREMOTEIO].contains(code)
    }

    /// The problem in one line.
    public var description: String {
        switch self {
        case .file(let path, "read", let code): return "\(InputFileError.system(path: path, code: code))"
        case .file(let path, let operation, let code):
            return "cannot \(operation) '\(path)': \(String(cString: strerror(code)))"
        case .notRegular(let path, let kind, let expected):
            let isStream = kind == "a pipe" || kind == "a stream" || kind == "a socket"
            let advice =
                isStream ? ": a text is read twice; write it into a file first (cat > FILE), and name that" : ""
            return "\(InputFileError.kind(path: path, is: kind, expected: expected))\(advice)"
        case .changing(let path):
            return "\(path): was changed while it was read; start again once no other program writes to it"
        case .empty(let path): return "\(path): holds no text to learn from"
        case .notUTF8(let path, _, _, let found?, _): return "\(path): not a text in UTF-8, but \(found)"
        case .notUTF8(let path, let offset, let line, nil, let encoding):
            return "\(path):\(line): not UTF-8 at byte \(offset); \(TextEncoding.advice(encoding)), "
                + "or set data.tokenizer to bytes"
        case .zeroByte(let path, let offset, let line, let advice):
            return "\(path):\(line): holds zero bytes, the first at byte \(offset): \(advice), "
                + "or set data.tokenizer to bytes"
        case .unknownSymbol(let path, "\r", let line):
            return "\(path):\(line): the symbol U+000D does not occur in the training text: a CR that no LF "
                + "follows; make it a line end (tr '\\r' '\\n')"
        case .unknownSymbol(let path, let symbol, let line):
            return "\(path):\(line): the symbol \(quoted(symbol)) does not occur in the training text; "
                + "remove it, or set data.tokenizer to bytes"
        case .tooShort(let path, let part, let tokens, let needed, let explanation):
            return "\(path): the \(part.rawValue) text has \(Counted.text(tokens, "token")), but "
                + "\(needed) \(needed == 1 ? "is" : "are") needed: \(explanation)"
        case .noLines(let path, let lines):
            return
                "\(path): has \(Counted.text(lines, "line")), of which data.validation leaves none to learn "
                + "from; give more lines, or a smaller data.validation (0 for none)"
        case .wordTooLong(let path, let offset, let bytesMax):
            return "\(path): no white space in the \(bytesMax) bytes after byte \(offset): this is not a text of words"
        case .tooManyWords(let path, let wordsMax):
            return "\(path): more than \(wordsMax) distinct words: this is not a text of words"
        case .damaged(let path, let problem): return "\(path): \(problem)"
        case .differs(let path, let expected, let found):
            return "\(path): its content is not the one of this run (SHA-256 \(found), expected \(expected))"
        case .tokenizer(let path, let error): return "\(path): \(error)"
        }
    }
}

extension CorpusError {
    /// A file that could not be opened.
    init(_ error: InputFileError) {
        switch error {
        case .system(let path, let code): self = .file(path: path, operation: "read", code: code)
        case .kind(let path, let kind, let expected):
            self = .notRegular(path: path, is: kind, expected: expected)
        case .size(let path, let bytesMax): self = .damaged(path: path, problem: "larger than \(bytesMax) bytes")
        }
    }
}

/// What a part of a corpus is for.
public enum CorpusPart: String, Sendable, Equatable, Codable {
    /// Weights are learnt from it.
    case training
    /// The loss on it is only measured.
    case validation
}
