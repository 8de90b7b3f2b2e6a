// What is wrong with a configuration, said so that its user can mend it.

/// A problem of a configuration: where it is, which key it concerns, and what was expected.
///
/// Its description is one line:
///
///     run.yaml:7: model.hiden: unknown key; did you mean 'hidden'?
///     --set training.adam.rate=fast: training.adam.rate: expected a number above 0, found 'fast'
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Where the faulty key, or the section that lacks one, was written.
    public var origin: ConfigurationOrigin
    /// The dotted key, empty where the whole text is meant.
    public var key: String
    /// What is wrong.
    public var problem: Problem
    /// What else is wrong with the same text, in order.
    public var others: [ConfigurationError] = []

    /// What is wrong with a key.
    public enum Problem: Sendable, Equatable {
        /// The text is not YAML, or not JSON.
        case syntax(String)
        /// A key that no section of this name has.
        case unknownKey(nearest: String?, valid: [String])
        /// A key that is written twice in one section.
        case duplicateKey
        /// A key that must be given.
        case missing(expected: String)
        /// A value of the wrong type, or out of range.
        case mismatch(expected: String, found: String, nearest: String?)
        /// A value that another key's value rules out.
        case conflict(String)
        /// An override that is not of the form `KEY=VALUE`.
        case notAnOverride
        /// A text that is too long to be a configuration.
        case tooLong(bytes: Int, bytesMax: Int)
    }

    /// The name of the file, where the problem is in one.
    public var file: String? {
        if case .file(let name, _) = origin { return name }
        return nil
    }

    /// The line of the problem, counted from 1, where it is known.
    public var line: Int? {
        if case .file(_, let line) = origin { return line }
        return nil
    }

    /// This problem and the others of the text.
    public var all: [ConfigurationError] {
        var first = self
        first.others = []
        return [first] + others
    }

    /// The problem in one line.
    public var description: String {
        let place = key.isEmpty ? origin.description : "\(origin): \(key)"
        return "\(place): \(problem)"
    }
}

extension ConfigurationError.Problem: CustomStringConvertible {
    /// The problem without its place.
    public var description: String {
        switch self {
        case .syntax(let problem): return problem
        case .unknownKey(let nearest?, _): return "unknown key; did you mean '\(nearest)'?"
        case .unknownKey(nil, let valid): return "unknown key; the valid keys are \(valid.joined(separator: ", "))"
        case .duplicateKey: return "this key is given twice in one section; this is the first of them"
        case .missing(let expected): return "missing; expected \(expected)"
        case .mismatch(let expected, let found, nil): return "expected \(expected), found \(found)"
        case .mismatch(let expected, let found, let nearest?):
            return "expected \(expected), found \(found); did you mean '\(nearest)'?"
        case .conflict(let explanation): return explanation
        case .notAnOverride: return "expected KEY=VALUE with a dotted key, such as training.adam.rate=0.01"
        case .tooLong(let bytes, let bytesMax):
            return "\(bytes) bytes are too many for a configuration; the limit is \(bytesMax)"
        }
    }
}

/// Where a part of a configuration was written.
public enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    /// In a file, on a line counted from 1 where it is known.
    case file(name: String, line: Int?)
    /// In an override, given as it was written.
    case override(String)

    /// The place as error messages have it.
    public var description: String {
        switch self {
        case .file(let name, nil): return name
        case .file(let name, let line?): return "\(name):\(line)"
        case .override(let text): return "--set \(printable(text, charactersMax: 80))"
        }
    }
}

/// A text of unknown origin, cut and with its control characters replaced, so that an error stays one line.
func printable(_ text: String, charactersMax: Int = 40) -> String {
    var result = ""
    for scalar in text.unicodeScalars.prefix(charactersMax) {
        result.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return text.unicodeScalars.dropFirst(charactersMax).isEmpty ? result : result + "…"
}
