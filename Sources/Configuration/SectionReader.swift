// Typed access to the keys of one section: every wrong type, range and name becomes an error with its place.

/// Reads the values of one section of a configuration tree. Unknown keys are noted when it is made.
///
/// A value that is missing or wrong is noted among the problems of the whole text, and a default is returned in its
/// place: reading goes on, so that a user learns of all problems at once. What was read is of no use if there
/// are any.
struct SectionReader {
    /// What is wrong with the whole text.
    let problems: ConfigurationProblems
    private let parents: String
    private let origin: ConfigurationOrigin
    private let entries: [ConfigurationTree.Entry]

    /// Opens a section that may have the given keys, and no others.
    init<Key: CodingKey & CaseIterable>(
        tree: ConfigurationTree, keys: Key.Type, parents: String = "", problems: ConfigurationProblems
    ) {
        self.parents = parents
        self.problems = problems
        origin = tree.origin
        switch tree.content {
        case .section(let entries): self.entries = entries
        case .scalar where tree.isNothing: entries = []
        case .scalar, .list:
            entries = []
            problems.note(
                ConfigurationError(
                    origin: tree.origin, key: parents,
                    problem: .mismatch(
                        expected: "a section with the keys \(keys.allCases.map(\.stringValue).joined(separator: ", "))",
                        found: tree.found, nearest: nil)))
        }
        let valid = keys.allCases.map(\.stringValue)
        for entry in entries where !valid.contains(entry.key) {
            let nearest = Suggestion.key(for: entry.key, in: valid, section: parents)
            // A key that was meant to be another one is no reason to miss that other one.
            if let nearest { problems.distrust(valid.contains(nearest) ? path(nearest) : nearest) }
            problems.note(
                ConfigurationError(
                    origin: entry.origin, key: path(printable(entry.key)),
                    problem: .unknownKey(nearest: nearest, valid: valid)))
        }
    }

    /// Opens a section within this one; a missing one is empty.
    func section<Key: CodingKey & CaseIterable>(_ key: String, keys: Key.Type) -> Self {
        let empty = ConfigurationTree(content: .section([]), origin: origin)
        return SectionReader(tree: value(key) ?? empty, keys: keys, parents: path(key), problems: problems)
    }

    /// The value of a key, unless it is missing or nothing.
    func value(_ key: String) -> ConfigurationTree? {
        guard let value = entries.first(where: { $0.key == key })?.value, !value.isNothing else { return nil }
        return value
    }

    // MARK: Types

    /// One of a few names.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice, isRequired: Bool = false
    ) -> Choice where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        let expected = names.count == 1 ? names[0] : names.dropLast().joined(separator: ", ") + " or " + names.last!
        guard let value = value(key) else {
            if isRequired { noteMissing(key, expected: expected) }
            return fallback
        }
        guard let name = value.plainText ?? value.quotedText, let choice = Choice(rawValue: name) else {
            let name = value.plainText ?? value.quotedText
            noteMismatch(
                key, expected: expected, nearest: name.flatMap { Suggestion.value(for: $0, in: names) })
            return fallback
        }
        return choice
    }

    /// A path; a number, truth value or nothing is not one unless it is quoted.
    func path(_ key: String, expected: String) -> String {
        guard let value = value(key) else {
            noteMissing(key, expected: expected)
            return ""
        }
        let isPlainPath = value.number == nil && value.boolean == nil
        guard let path = value.quotedText ?? (isPlainPath ? value.plainText : nil), !path.isEmpty,
            !path.utf8.contains(0)
        else {
            noteMismatch(key, expected: expected)
            return ""
        }
        return path
    }

    /// A truth value.
    func boolean(_ key: String, default fallback: Bool) -> Bool {
        guard let value = value(key) else { return fallback }
        if value.boolean == nil { noteMismatch(key, expected: "true or false") }
        return value.boolean ?? fallback
    }

    /// A whole number that may be missing.
    func optionalInteger(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = value(key) else { return nil }
        guard let integer = value.integer, range.contains(integer) else {
            noteMismatch(key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return integer
    }

    /// A whole number.
    func integer(
        _ key: String, default fallback: Int, in range: ClosedRange<Int>
    ) -> Int {
        optionalInteger(key, in: range) ?? fallback
    }

    /// A seed: any whole number of 64 bits without a sign.
    func seed(_ key: String, default fallback: UInt64) -> UInt64 {
        guard let value = value(key) else { return fallback }
        guard let seed = value.plainText.flatMap({ UInt64($0) }) else {
            noteMismatch(key, expected: "a whole number from 0 to \(UInt64.max)")
            return fallback
        }
        return seed
    }

    /// A finite number.
    func number(_ key: String, default fallback: Double, in range: NumberRange) -> Double {
        guard let value = value(key) else { return fallback }
        guard let number = value.number, range.contains(number) else {
            noteMismatch(key, expected: "a number \(range)")
            return fallback
        }
        return number
    }

    // MARK: Problems

    /// Notes that a key must be given, at the place of its section; unless it seems to be there under a wrong name.
    func noteMissing(_ key: String, expected: String) {
        guard problems.areSound([path(key)]) else { return }
        note(key, at: place(of: key), .missing(expected: expected))
    }

    /// Notes a value of the wrong type or range.
    func noteMismatch(_ key: String, expected: String, nearest: String? = nil) {
        let entry = entries.first { $0.key == key }
        note(
            key, at: entry?.value.origin ?? origin,
            .mismatch(expected: expected, found: entry?.value.found ?? "nothing", nearest: nearest))
    }

    /// Notes a value that the values of other keys rule out, where all of them are right by themselves.
    ///
    /// - Parameter others: their dotted keys.
    func noteConflict(_ key: String, with others: [String] = [], _ explanation: String) {
        guard problems.areSound([path(key)] + others) else { return }
        note(key, at: place(of: key), .conflict(explanation))
    }

    private func note(_ key: String, at place: ConfigurationOrigin, _ problem: ConfigurationError.Problem) {
        problems.note(ConfigurationError(origin: place, key: path(key), problem: problem))
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
