// The section `data`: which text is read, and how it becomes tokens.

/// Which text a run learns from, and how it becomes tokens.
public struct DataConfiguration: Sendable, Equatable, Codable {
    /// The path of the text to learn from.
    public var train: String
    /// Where the text to validate on comes from.
    public var validation: ValidationSource
    /// What one token is.
    public var tokenizer: TokenizerKind
    /// Whether the text is one stream, or a sequence on each line.
    public var shape: StreamShape
    /// The largest number of entries in a vocabulary of words, special symbols included; 0 for no limit.
    public var vocabulary: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
        case train, validation, tokenizer, shape, vocabulary
    }

    /// The entries of a vocabulary of words unless the configuration says otherwise: as many as Penn Treebank has.
    public static let defaultWordVocabulary = 10_000

    /// Creates the section; `vocabulary` is filled in from the tokenizer unless given.
    public init(
        train: String, validation: ValidationSource = .fraction(0.1), tokenizer: TokenizerKind = .characters,
        shape: StreamShape = .stream, vocabulary: Int? = nil
    ) {
        self.train = train
        self.validation = validation
        self.tokenizer = tokenizer
        self.shape = shape
        self.vocabulary = vocabulary ?? (tokenizer == .words ? Self.defaultWordVocabulary : 0)
    }

    init(from section: SectionReader) {
        train = section.path("train", expected: "the path of a text file")
        validation = Self.validation(from: section)
        tokenizer = section.choice("tokenizer", default: .characters)
        shape = section.choice("shape", default: .stream)
        vocabulary = section.integer(
            "vocabulary", default: tokenizer == .words ? Self.defaultWordVocabulary : 0, in: 0...1_000_000_000)
        if tokenizer != .words && vocabulary != 0 {
            section.noteConflict(
                "vocabulary", with: ["data.tokenizer"],
                "limits a vocabulary of words, but data.tokenizer is \(tokenizer.rawValue)")
        }
        if tokenizer == .words && (1...2).contains(vocabulary) {
            section.noteConflict(
                "vocabulary", with: ["data.tokenizer"],
                "must leave room for <unk>, <eos> and one word: at least 3, or 0")
        }
    }

    private static func validation(from section: SectionReader) -> ValidationSource {
        let expected = "a fraction of at least 0 and below 1, or the path of a text file"
        guard let value = section.value("validation") else { return .fraction(0.1) }
        if let number = value.number {
            guard (0..<1).contains(number) else {
                section.noteMismatch("validation", expected: expected)
                return .fraction(0)
            }
            return .fraction(number)
        }
        return .file(section.path("validation", expected: expected))
    }
}

/// Where the text to validate on comes from.
public enum ValidationSource: Sendable, Equatable, Codable {
    /// The given part of the training text is set aside: the end of a stream, or lines drawn by lot. 0 for none.
    case fraction(Double)
    /// The path of a text of its own.
    case file(String)

    /// Reads a number or a path.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let fraction = try? container.decode(Double.self) {
            self = .fraction(fraction)
        } else {
            self = .file(try container.decode(String.self))
        }
    }

    /// Writes a number or a path.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .fraction(let fraction): try container.encode(fraction)
        case .file(let path): try container.encode(path)
        }
    }
}

/// What one token of a text is.
public enum TokenizerKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// A Unicode scalar.
    case characters
    /// A byte.
    case bytes
    /// What stands between white space.
    case words
}

/// How a text is cut.
public enum StreamShape: String, Sendable, Equatable, Codable, CaseIterable {
    /// One long text, whose lanes carry hidden state from step to step.
    case stream
    /// One sequence on each line, independent of the others.
    case sequences
}
