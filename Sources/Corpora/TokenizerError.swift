// What is wrong with a text or a vocabulary.

/// A text that a tokenizer cannot encode, or a vocabulary that cannot be read.
public enum TokenizerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A symbol that is not in the vocabulary, with its line counted from 1.
    case unknownSymbol(String, line: Int)
    /// JSON that is not a vocabulary.
    case invalidVocabulary(String)

    /// The problem in one line.
    public var description: String {
        switch self {
        case .unknownSymbol(let symbol, let line):
            return "line \(line): the symbol \(quoted(symbol)) is not in the vocabulary"
        case .invalidVocabulary(let problem): return "not a vocabulary: \(problem)"
        }
    }
}

/// A symbol as error messages show it: with its code point where it could be mistaken or not be seen.
func quoted(_ symbol: String) -> String {
    let scalars = symbol.unicodeScalars
    guard scalars.count == 1, let scalar = scalars.first else { return "'\(symbol)'" }
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .nonspacingMark, .unassigned,
        .privateUse, .surrogate:
        return code
    default: return scalar.isASCII ? "'\(symbol)'" : "'\(symbol)' (\(code))"
    }
}
