// Typed access to the keys of one section: every wrong type, range and name becomes an error with its place.

/// Reads the values of one section of a configuration tree. Unknown keys are refused when it is made.
struct SectionReader {
    private let parents: String
    private let origin: ConfigurationOrigin
    private let entries: [ConfigurationTree.Entry]

    /// Opens a section that may have the given keys, and no others.
    init<Key: CodingKey & CaseIterable>(
        tree: ConfigurationTree, keys: Key.Type, parents: String = ""
    ) throws(ConfigurationError) {
        self.parents = parents
        origin = tree.origin
        switch tree.content {
        case .section(let entries): self.entries = entries
        case .scalar where tree.isNothing: entries = []
        case .scalar, .list:
            throw ConfigurationError(
                origin: tree.origin, key: parents,
                problem: .mismatch(
                    expected: "a section with the keys \(keys.allCases.map(\.stringValue).joined(separator: ", "))",
                    found: tree.found, nearest: nil))
        }
        let valid = keys.allCases.map(\.stringValue)
        for entry in entries where !valid.contains(entry.key) {
            let nearest = Suggestion.key(for: entry.key, in: valid, section: parents)
            throw ConfigurationError(
                origin: entry.origin, key: path(printable(entry.key)),
                problem: .unknownKey(nearest: nearest, valid: valid))
        }
    }

    /// Opens a section within this one; a missing one is empty.
    func section<Key: CodingKey & CaseIterable>(_ key: String, keys: Key.Type) throws(ConfigurationError) -> Self {
        let empty = ConfigurationTree(content: .section([]), origin: origin)
        return try SectionReader(tree: value(key) ?? empty, keys: keys, parents: path(key))
    }

    /// The value of a key, unless it is missing or nothing.
    func value(_ key: String) -> ConfigurationTree? {
        guard let value = entries.first(where: { $0.key == key })?.value, !value.isNothing else { return nil }
        return value
    }

    // MARK: Types

    /// One of a few names.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice? = nil
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        let expected = names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or " + names.last!
        guard let value = value(key) else {
            if let fallback { return fallback }
            throw missing(key, expected: expected)
        }
        guard let name = value.plainText ?? value.quotedText, let choice = Choice(rawValue: name) else {
            let name = value.plainText ?? value.quotedText
            throw mismatch(
                key, expected: expected, nearest: name.flatMap { Suggestion.value(for: $0, in: names) })
        }
        return choice
    }

    /// A path; a number, truth value or nothing is not one unless it is quoted.
    func path(_ key: String, expected: String) throws(ConfigurationError) -> String {
        guard let value = value(key) else { throw missing(key, expected: expected) }
        let isPlainPath = value.number == nil && value.boolean == nil
        guard let path = value.quotedText ?? (isPlainPath ? value.plainText : nil), !path.isEmpty,
            !path.utf8.contains(0)
        else { throw mismatch(key, expected: expected) }
        return path
    }

    /// A truth value.
    func boolean(_ key: String, default fallback: Bool) throws(ConfigurationError) -> Bool {
        guard let value = value(key) else { return fallback }
        guard let boolean = value.boolean else { throw mismatch(key, expected: "true or false") }
        return boolean
    }

    /// A whole number that may be missing.
    func optionalInteger(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let value = value(key) else { return nil }
        guard let integer = value.integer, range.contains(integer) else {
            throw mismatch(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// A whole number.
    func integer(
        _ key: String, default fallback: Int, in range: ClosedRange<Int>
    ) throws(ConfigurationError) -> Int {
        try optionalInteger(key, in: range) ?? fallback
    }

    /// A seed: any whole number of 64 bits without a sign.
    func seed(_ key: String, default fallback: UInt64) throws(ConfigurationError) -> UInt64 {
        guard let value = value(key) else { return fallback }
        guard let seed = value.plainText.flatMap({ UInt64($0) }) else {
            throw mismatch(key, expected: "a whole number from 0 to \(UInt64.max)")
        }
        return seed
    }

    /// A finite number.
    func number(_ key: String, default fallback: Double, in range: NumberRange) throws(ConfigurationError) -> Double {
        guard let value = value(key) else { return fallback }
        guard let number = value.number, range.contains(number) else {
            throw mismatch(key, expected: "a number \(range)")
        }
        return number
    }

    // MARK: Errors

    /// The error of a key that must be given, at the place of its section.
    func missing(_ key: String, expected: String) -> ConfigurationError {
        ConfigurationError(origin: place(of: key), key: path(key), problem: .missing(expected: expected))
    }

    /// The error of a value of the wrong type or range.
    func mismatch(_ key: String, expected: String, nearest: String? = nil) -> ConfigurationError {
        let entry = entries.first { $0.key == key }
        return ConfigurationError(
            origin: entry?.value.origin ?? origin, key: path(key),
            problem: .mismatch(expected: expected, found: entry?.value.found ?? "nothing", nearest: nearest))
    }

    /// The error of a value that another key rules out.
    func conflict(_ key: String, _ explanation: String) -> ConfigurationError {
        ConfigurationError(origin: place(of: key), key: path(key), problem: .conflict(explanation))
    }

    private func place(of key: String) -> ConfigurationOrigin {
        entries.first { $0.key == key }?.origin ?? origin
    }

    private func path(_ key: String) -> String { parents.isEmpty ? key : "\(parents).\(key)" }
}

/// The numbers that a key may take.
struct NumberRange: CustomStringConvertible {
    private let lower: Double
    private let includesLower: Bool
    /// An upper limit that is itself excluded.
    private let upper: Double?

    /// At least `lower`, and below `upper` where there is one.
    static func from(_ lower: Double, below upper: Double? = nil) -> NumberRange {
        NumberRange(lower: lower, includesLower: true, upper: upper)
    }

    /// Above `lower`.
    static func above(_ lower: Double) -> NumberRange {
        NumberRange(lower: lower, includesLower: false, upper: nil)
    }

    func contains(_ number: Double) -> Bool {
        (includesLower ? number >= lower : number > lower) && (upper.map { number < $0 } ?? true)
    }

    var description: String {
        let text = includesLower ? "of at least \(short(lower))" : "above \(short(lower))"
        return upper.map { "\(text) and below \(short($0))" } ?? text
    }

    private func short(_ number: Double) -> String {
        Int(exactly: number).map { "\($0)" } ?? "\(number)"
    }
}
