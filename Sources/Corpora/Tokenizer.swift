// How text becomes tokens and tokens text: the vocabulary of a run.

import Configuration

/// The two-way mapping between text and tokens that a run learns with, and that its checkpoints carry along.
///
///     let tokenizer = Tokenizer(characters: "hello".unicodeScalars, endOfSequence: false)
///     tokenizer.symbols                  // ["e", "h", "l", "o"]
///     try tokenizer.encode("hole")       // [1, 3, 2, 0]
///     tokenizer.decode([1, 3, 2, 0])     // "hole"
///
/// A token is an index into `symbols`. Their order is a function of the text alone:
/// - characters: the distinct Unicode scalars by value, as `sorted(set(text))` gives them in Python;
/// - bytes: the 256 bytes;
/// - words: `<unk>`, `<eos>`, then by falling frequency, and by their UTF-8 bytes where that is equal.
///
/// Where each line is a sequence of its own, characters and bytes are followed by `<eos>`, which starts and ends
/// every sequence.
public struct Tokenizer: Sendable {
    /// What one token is.
    public let kind: TokenizerKind
    /// The text of each token. Bytes that are not printable ASCII are written as `<0x0A>`.
    public let symbols: [String]
    /// The token that ends a sequence, and starts one: `<eos>`.
    public let endOfSequence: Int32?
    /// The token of all words that are not in the vocabulary: `<unk>`.
    public let unknown: Int32?

    /// Where characters and bytes are found; without entries for words.
    let scalarTable: ScalarTable
    /// Where words are found, their index being the token; without entries for the other kinds.
    let wordTable: WordTable

    /// The text of ``endOfSequence``.
    public static let endOfSequenceSymbol = "<eos>"
    /// The text of ``unknown``.
    public static let unknownSymbol = "<unk>"

    /// The number of tokens.
    public var count: Int { symbols.count }

    /// The text of one token.
    ///
    /// - Precondition: `token` is one of this tokenizer's.
    public func text(of token: Int32) -> String { symbols[Int(token)] }
}

// MARK: Making one

extension Tokenizer {
    /// A tokenizer for the distinct ones among some Unicode scalars.
    public init(characters: some Sequence<Unicode.Scalar>, endOfSequence: Bool) {
        self.init(sortedScalars: Set(characters.map(\.value)).sorted(), endOfSequence: endOfSequence)
    }

    /// A tokenizer for bytes.
    public init(bytesWithEndOfSequence endOfSequence: Bool) {
        kind = .bytes
        let names = (0..<256 as Range<UInt32>).map { Self.name(ofByte: UInt8($0)) }
        symbols = names + (endOfSequence ? [Self.endOfSequenceSymbol] : [])
        self.endOfSequence = endOfSequence ? 256 : nil
        unknown = nil
        scalarTable = ScalarTable(sortedScalars: Array(0..<256))
        wordTable = WordTable()
    }

    /// A tokenizer for words, of which `<unk>` and `<eos>` become the first two wherever they stand.
    public init(words: some Sequence<String>) {
        var table = WordTable()
        for word in [Self.unknownSymbol, Self.endOfSequenceSymbol] { table.insert(word) }
        for word in words { table.insert(word) }
        self.init(wordTable: table)
    }

    /// A tokenizer for scalars in ascending order.
    init(sortedScalars: [UInt32], endOfSequence: Bool) {
        kind = .characters
        scalarTable = ScalarTable(sortedScalars: sortedScalars)
        let characters = sortedScalars.map { value in
            String(Character(Unicode.Scalar(value) ?? "\u{FFFD}"))
        }
        symbols = characters + (endOfSequence ? [Self.endOfSequenceSymbol] : [])
        self.endOfSequence = endOfSequence ? Int32(characters.count) : nil
        unknown = nil
        wordTable = WordTable()
    }

    /// A tokenizer for the words of a table, whose first two are `<unk>` and `<eos>`.
    init(wordTable: WordTable) {
        kind = .words
        self.wordTable = wordTable
        symbols = (0..<wordTable.count).map { wordTable.word($0) }
        unknown = 0
        endOfSequence = 1
        scalarTable = ScalarTable(sortedScalars: [])
    }

    private static func name(ofByte byte: UInt8) -> String {
        if (0x20..<0x7F).contains(byte) { return String(Character(Unicode.Scalar(byte))) }
        let digits = Array("0123456789ABCDEF")
        return "<0x\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])>"
    }
}

extension Tokenizer: Equatable {
    /// Whether two tokenizers have the same symbols, scalar by scalar.
    ///
    /// Strings of Swift are equal when they look the same: the Ångström sign equals the letter Å. As symbols these are
    /// two, so the comparison goes by their bytes.
    public static func == (left: Tokenizer, right: Tokenizer) -> Bool {
        left.kind == right.kind && left.endOfSequence == right.endOfSequence && left.unknown == right.unknown
            && left.symbols.elementsEqual(right.symbols) { $0.utf8.elementsEqual($1.utf8) }
    }
}
