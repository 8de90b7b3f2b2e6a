// What a corpus has become: a vocabulary and one or two token files.

/// A corpus ready to be trained on.
public struct PreparedCorpus: Sendable, Equatable {
    /// The vocabulary.
    public var tokenizer: Tokenizer
    /// The tokens to learn from.
    public var training: TokenFileReference
    /// The tokens to validate on, if any are set aside.
    public var validation: TokenFileReference?

    /// Creates a prepared corpus.
    public init(tokenizer: Tokenizer, training: TokenFileReference, validation: TokenFileReference? = nil) {
        self.tokenizer = tokenizer
        self.training = training
        self.validation = validation
    }

    /// The name of the file with the vocabulary.
    public static let tokenizerName = "tokenizer.json"
    /// The name of the file with the tokens to learn from.
    public static let trainingName = "training.tokens"
    /// The name of the file with the tokens to validate on.
    public static let validationName = "validation.tokens"

    /// The names of all files of a prepared corpus.
    public static let fileNames = [tokenizerName, trainingName, validationName, PreparedTexts.fileName]

    /// Opens what ``CorpusBuilder/prepare(_:into:)`` left in a directory, hashing the token files anew.
    public init(directory: String) throws(CorpusError) {
        tokenizer = try Self.tokenizer(inDirectory: directory)
        training = try MappedTokens(path: "\(directory)/\(Self.trainingName)").reference()
        do {
            validation = try MappedTokens(path: "\(directory)/\(Self.validationName)").reference()
        } catch CorpusError.file(_, _, code: noSuchFile) {
            validation = nil
        }
    }

    /// The vocabulary alone.
    static func tokenizer(inDirectory directory: String) throws(CorpusError) -> Tokenizer {
        let path = "\(directory)/\(tokenizerName)"
        let json = try FileSystem.contents(of: path, bytesMax: 1 << 30)
        do {
            return try Tokenizer(json: json)
        } catch {
            throw .tokenizer(path: path, error)
        }
    }
}
