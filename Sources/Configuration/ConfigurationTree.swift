// A configuration before it has types: sections, keys and values, each with the place where it was written.

/// A value, list or section of a configuration, with its origin.
struct ConfigurationTree: Sendable, Equatable {
    var content: Content
    var origin: ConfigurationOrigin

    enum Content: Sendable, Equatable {
        /// A value; `isQuoted` when it was written as a text, so that it is neither number, truth value nor nothing.
        case scalar(String, isQuoted: Bool)
        /// A list of so many values; no key takes one.
        case list(count: Int)
        case section([Entry])
    }

    struct Entry: Sendable, Equatable {
        var key: String
        var origin: ConfigurationOrigin
        var value: ConfigurationTree
    }
}

extension ConfigurationTree {
    /// The text of an unquoted value.
    var plainText: String? {
        if case .scalar(let text, isQuoted: false) = content { return text }
        return nil
    }

    /// The text of a quoted value.
    var quotedText: String? {
        if case .scalar(let text, isQuoted: true) = content { return text }
        return nil
    }

    /// Whether nothing is given: `key:`, `key: ~` or `key: null`.
    var isNothing: Bool { plainText.map { ["", "~", "null", "Null", "NULL"].contains($0) } ?? false }

    var boolean: Bool? {
        switch plainText {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: return nil
        }
    }

    var integer: Int? { plainText.flatMap { Int($0) } }

    /// A finite decimal number. `1e-3` is one, unlike in YAML 1.1, where it is a text: a trap that surprises many.
    var number: Double? {
        guard let text = plainText, text.utf8.allSatisfy({ Self.numberBytes.contains($0) }) else { return nil }
        guard let number = Double(text), number.isFinite else { return nil }
        return number
    }

    private static let numberBytes = Set("0123456789+-.eE".utf8)

    /// What stands here, as an error message says it.
    var found: String {
        switch content {
        case .section: return "a section"
        case .list: return "a list"
        case .scalar(let text, isQuoted: true): return "the text \"\(printable(text))\""
        case .scalar(let text, isQuoted: false):
            if isNothing { return "nothing" }
            if number != nil { return "the number \(printable(text))" }
            return "'\(printable(text))'"
        }
    }
}

// MARK: Overrides

extension ConfigurationTree {
    /// Puts the value of a `KEY=VALUE` override in its place, making sections that are missing.
    mutating func apply(override: String) throws(ConfigurationError) {
        let origin = ConfigurationOrigin.override(override)
        guard let equals = override.firstIndex(of: "=") else {
            throw ConfigurationError(origin: origin, key: "", problem: .notAnOverride)
        }
        let path = override[..<equals].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty }), path.count <= 16 else {
            throw ConfigurationError(origin: origin, key: "", problem: .notAnOverride)
        }
        let text = String(override[override.index(after: equals)...])
        let value = ConfigurationTree(content: .scalar(text, isQuoted: false), origin: origin)
        try set(value, at: path[...], parents: "")
    }

    private mutating func set(
        _ value: ConfigurationTree, at path: ArraySlice<String>, parents: String
    ) throws(ConfigurationError) {
        guard let key = path.first else {
            self = value
            return
        }
        var entries: [Entry]
        switch content {
        case .section(let existing): entries = existing
        case .scalar where isNothing: entries = []
        case .scalar, .list:
            throw ConfigurationError(
                origin: origin, key: parents, problem: .mismatch(expected: "a section", found: found, nearest: nil))
        }
        var entry: Entry
        let index = entries.firstIndex { $0.key == key }
        if let index {
            entry = entries[index]
            entry.origin = value.origin
        } else {
            let empty = ConfigurationTree(content: .section([]), origin: value.origin)
            entry = Entry(key: key, origin: value.origin, value: empty)
        }
        try entry.value.set(value, at: path.dropFirst(), parents: parents.isEmpty ? key : "\(parents).\(key)")
        if let index { entries[index] = entry } else { entries.append(entry) }
        content = .section(entries)
    }
}

// MARK: Flattening

extension ConfigurationTree {
    /// All values below this one with their dotted keys, sorted by key.
    func flattened(under parents: String = "") -> [(key: String, value: String)] {
        switch content {
        case .scalar(let text, _): return [(parents, text)]
        case .list(let count): return [(parents, "a list of \(count)")]
        case .section(let entries):
            return entries.sorted { $0.key < $1.key }.flatMap { entry in
                entry.value.flattened(under: parents.isEmpty ? entry.key : "\(parents).\(entry.key)")
            }
        }
    }
}
