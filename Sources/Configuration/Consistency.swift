// The key `training.consistency`: how the workers' contributions are combined.

/// How the workers' contributions are combined.
public enum Consistency: Sendable, Hashable {
    /// Every step waits for all shards: the same bits on any cluster.
    case synchronous
    /// Each worker's gradients are applied as they come, if they were computed with weights at most so many versions
    /// old. The weights depend on who was how fast.
    case bounded(Int)
    /// Each worker's gradients are applied as they come, however old the weights that they were computed with.
    case asynchronous

    /// The oldest weights that gradients may come from, in versions; `nil` for no bound.
    public var stalenessMax: Int? {
        switch self {
        case .synchronous: 0
        case .bounded(let versions): versions
        case .asynchronous: nil
        }
    }

    static let expected = "synchronous, asynchronous, or {bounded: VERSIONS}"
    static let versionsMax = 1_000_000

    enum CodingKeys: String, CodingKey, CaseIterable {
        case bounded
    }
}

extension Consistency: CustomStringConvertible {
    /// As a configuration says it, on one line.
    public var description: String {
        switch self {
        case .synchronous: "synchronous"
        case .asynchronous: "asynchronous"
        case .bounded(let versions): "bounded: \(versions)"
        }
    }
}

extension Consistency {
    /// Reads the key of the section `training`.
    init(from section: SectionReader) {
        guard let value = section.value("consistency") else {
            self = .synchronous
            return
        }
        if case .section = value.content {
            let bound = section.section("consistency", keys: CodingKeys.self)
            let versions = bound.optionalInteger("bounded", in: 1...Self.versionsMax)
            if versions == nil {
                bound.noteMissing("bounded", expected: "a whole number from 1 to \(Self.versionsMax)")
            }
            self = .bounded(versions ?? 1)
            return
        }
        switch value.plainText ?? value.quotedText {
        case "synchronous": self = .synchronous
        case "asynchronous": self = .asynchronous
        case let name:
            let nearest = name.flatMap { Suggestion.value(for: $0, in: ["synchronous", "asynchronous"]) }
            section.noteMismatch("consistency", expected: Self.expected, nearest: nearest)
            self = .synchronous
        }
    }
}

extension Consistency: Codable {
    /// Reads a word, or an object with the key `bounded`.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: CodingKeys.self), container.contains(.bounded) {
            let versions = try container.decode(Int.self, forKey: .bounded)
            guard (1...Self.versionsMax).contains(versions) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .bounded, in: container, debugDescription: "expected a number of at least 1")
            }
            self = .bounded(versions)
            return
        }
        let container = try decoder.singleValueContainer()
        switch try container.decode(String.self) {
        case "synchronous": self = .synchronous
        case "asynchronous": self = .asynchronous
        default:
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected \(Self.expected)")
        }
    }

    /// Writes a word, or an object with the key `bounded`.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .synchronous, .asynchronous:
            var container = encoder.singleValueContainer()
            try container.encode(description)
        case .bounded(let versions):
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(versions, forKey: .bounded)
        }
    }
}
