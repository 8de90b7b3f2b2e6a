// What is wrong with JSON, in words for the user of a file.

/// What is wrong with a JSON text, for its user: the key, and what was expected.
///
///     the key "step": expected a whole number
///     the key "configuration.model" is missing
public struct JSONProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// A part of a line.
    public let description: String

    /// A problem in these words.
    public init(_ description: String) { self.description = description }

    /// What a decoder complains of, in other words than its own: those are for programmers.
    public init(_ error: any Error) {
        guard let error = error as? DecodingError else {
            self.init("\(error)")
            return
        }
        switch error {
        case .typeMismatch(let type, let found):
            self.init(Self.place(found.codingPath) + "expected \(Self.name(of: type))")
        case .valueNotFound(let type, let found):
            self.init(Self.place(found.codingPath) + "expected \(Self.name(of: type)), found null")
        case .keyNotFound(let key, let found):
            self.init("\(Self.key(found.codingPath + [key])) is missing")
        case .dataCorrupted(let found):
            if found.codingPath.isEmpty {
                self.init("not JSON")
            } else if found.debugDescription.hasPrefix("Cannot initialize") {
                self.init(Self.place(found.codingPath) + "none of the words that can stand there")
            } else if found.debugDescription.contains("umber") {
                self.init(Self.place(found.codingPath) + "a number that is too large, or has a fraction")
            } else {
                self.init(Self.place(found.codingPath) + found.debugDescription)
            }
        @unknown default: self.init("not the expected JSON")
        }
    }

    private static func place(_ path: [any CodingKey]) -> String { path.isEmpty ? "" : key(path) + ": " }

    private static func key(_ path: [any CodingKey]) -> String {
        let text = path.map { key in key.intValue.map { "\($0)" } ?? key.stringValue }.joined(separator: ".")
        return "the key \"\(ForeignText.shown(text, bytesMax: ForeignText.nameBytesMax))\""
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
