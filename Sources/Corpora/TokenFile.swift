// The file format of tokens: what a corpus becomes once, and every worker maps into its memory.

/// The layout of a token file.
///
/// All numbers are little-endian. The content is a function of the text and the configuration alone, so that its
/// SHA-256 tells whether two machines learn from the same data.
///
/// | bytes | what |
/// |---|---|
/// | 0 ..< 8 | `RONDOTOK` |
/// | 8 ..< 12 | version, 1 |
/// | 12 ..< 16 | width: the bytes of a token, 2 for at most 65,536 symbols, else 4 |
/// | 16 ..< 24 | number of tokens |
/// | 24 ..< 32 | number of lines; 0 for a stream |
/// | 32 ..< 40 | number of symbols in the vocabulary |
/// | 40 ..< 64 | zero |
/// | 64 ... | the tokens; zeros up to a multiple of 8; then, for lines, where each begins as 64 bits, and the end |
///
/// Lines hold no `<eos>`: the schedule puts it at both ends. No line is empty.
struct TokenFileHeader: Equatable {
    /// The bytes of a token: 2 or 4.
    var width: Int
    var tokenCount: Int
    /// 0 for a stream.
    var lineCount: Int
    var vocabularyCount: Int

    static let byteCount = 64
    static let magic = Array("RONDOTOK".utf8)
    static let version: UInt32 = 1

    /// The width of the tokens of a vocabulary.
    static func width(vocabularyCount: Int) -> Int { vocabularyCount <= 1 << 16 ? 2 : 4 }

    /// Where the line offsets begin.
    var lineOffset: Int { Self.byteCount + (tokenCount * width + 7) / 8 * 8 }

    /// The size of the whole file.
    var fileBytes: Int { lineOffset + (lineCount > 0 ? (lineCount + 1) * 8 : 0) }

    var encoded: [UInt8] {
        var bytes = Self.magic
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
        append(Self.version)
        append(UInt32(width))
        append(UInt64(tokenCount))
        append(UInt64(lineCount))
        append(UInt64(vocabularyCount))
        return bytes + [UInt8](repeating: 0, count: Self.byteCount - bytes.count)
    }
}

extension TokenFileHeader {
    /// Reads the header of a file of `bytes.count` bytes; any bytes give a header that fits them, or a problem.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> Result<TokenFileHeader, TokenFileProblem> {
        guard bytes.count >= byteCount else { return .failure("too short for a token file") }
        guard bytes.prefix(8).elementsEqual(magic) else { return .failure("not a token file") }
        func load<Value: FixedWidthInteger>(_ offset: Int, _: Value.Type) -> Value {
            Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
        let version = load(8, UInt32.self)
        guard version == Self.version else {
            return .failure("a token file of version \(version); this program reads version \(Self.version)")
        }
        // With at most 2^48 of each, no size below can overflow.
        let limit: UInt64 = 1 << 48
        let counts = [load(16, UInt64.self), load(24, UInt64.self), load(32, UInt64.self)]
        guard counts.allSatisfy({ $0 <= limit }), counts[2] <= UInt64(Int32.max) else {
            return .failure("damaged: impossible counts")
        }
        let header = TokenFileHeader(
            width: Int(load(12, UInt32.self)), tokenCount: Int(counts[0]), lineCount: Int(counts[1]),
            vocabularyCount: Int(counts[2]))
        guard header.width == width(vocabularyCount: header.vocabularyCount) else {
            return .failure("damaged: \(header.width) bytes a token")
        }
        guard bytes[40..<byteCount].allSatisfy({ $0 == 0 }) else { return .failure("damaged: unknown header") }
        guard header.fileBytes == bytes.count else {
            return .failure("damaged: \(bytes.count) bytes, but its header asks for \(header.fileBytes)")
        }
        return .success(header)
    }
}

/// What is wrong with the bytes of a token file.
struct TokenFileProblem: Error, ExpressibleByStringInterpolation {
    let text: String
    init(stringLiteral text: String) { self.text = text }
}

/// A token file, by what its content is: two files with the same hash are the same data.
public struct TokenFileReference: Sendable, Equatable, Codable {
    /// The path of the file.
    public var path: String
    /// The SHA-256 of the whole file, as 64 hexadecimal digits.
    public var sha256: String
    /// The size of the file.
    public var bytes: Int
    /// The number of tokens.
    public var tokens: Int
    /// The number of lines; 0 for a stream.
    public var lines: Int

    /// Creates a reference.
    public init(path: String, sha256: String, bytes: Int, tokens: Int, lines: Int) {
        self.path = path
        self.sha256 = sha256
        self.bytes = bytes
        self.tokens = tokens
        self.lines = lines
    }
}
