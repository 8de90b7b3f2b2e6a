// What a text holds, without preparing it.

import Configuration

/// What one reading of a text tells about a run: how many tokens and symbols, how much of it is never learnt.
///
///     let text = try TextInspection(configuration, bytesMax: 256 << 20)
///     text.tokens, text.vocabulary, text.unknownShare
///
/// A long text is read up to a limit; ``isComplete`` says whether that was all of it.
public struct TextInspection: Sendable, Equatable {
    /// The size of the file.
    public internal(set) var fileBytes = 0
    /// How much of it was read.
    public internal(set) var bytesRead = 0
    /// The tokens in what was read; of sequences each line counts its `<eos>`.
    public internal(set) var tokens = 0
    /// The symbols that a run would have, were this all of the text.
    public internal(set) var vocabulary = 0
    /// The different words in what was read; 0 where tokens are not words, and of prepared data, which do not tell.
    public internal(set) var distinctWords = 0
    /// The tokens that are `<unk>`.
    public internal(set) var unknownTokens = 0
    /// The lengths of the lines, with `<eos>`.
    public internal(set) var lines = LineLengths()
    /// The lines that are longer than the longest example.
    public internal(set) var linesCut = 0
    /// The tokens of those lines that are never learnt.
    public internal(set) var tokensCut = 0

    /// Whether this is of data that a run has prepared, and not of its text.
    public internal(set) var isPrepared = false

    /// Whether all of the text was read.
    public var isComplete: Bool { bytesRead == fileBytes }
    /// The part of the tokens that is `<unk>`.
    public var unknownShare: Double { Double(unknownTokens) / Double(max(1, tokens)) }
    /// The part of the tokens that is never learnt because lines are cut.
    public var cutShare: Double { Double(tokensCut) / Double(max(1, tokens)) }
    /// The tokens of the whole text: estimated from the part that was read.
    public var tokensOfFile: Int {
        isComplete ? tokens : Int(Double(tokens) / Double(max(1, bytesRead)) * Double(fileBytes))
    }
    /// The lines of the whole text: estimated from the part that was read.
    public var linesOfFile: Int {
        isComplete ? lines.lines : Int(Double(lines.lines) / Double(max(1, bytesRead)) * Double(fileBytes))
    }

    /// How many of some tokens of a stream, or lines, are learnt from and not set aside for validation.
    public static func learnt(of count: Int, _ data: DataConfiguration) -> Int {
        guard case .fraction(let fraction) = data.validation else { return count }
        return CorpusSplit.trainingCount(count: count, fraction: fraction)
    }

    /// Reads a text, as a run with this configuration would, up to about `bytesMax`.
    ///
    /// - Throws: `CorpusError` when it cannot be read, or is no text of the configured kind.
    public init(
        path: String, data: DataConfiguration, longest: Int, bytesMax: Int
    ) throws(CorpusError) {
        let text = try TextSource(path: path)
        fileBytes = try text.size()
        var sink = InspectionSink(data: data, longest: longest)
        let inspected = try CorpusBuilder.scan(text, data, bytesMax: bytesMax, into: &sink)
        bytesRead = inspected.isComplete ? fileBytes : min(inspected.bytes, fileBytes)
        if inspected.isComplete { sink.finish() }
        tokens = sink.tokens
        guard tokens > 0 || !inspected.isComplete else { throw .empty(path: path) }
        (lines, linesCut, tokensCut) = (sink.lengths, sink.linesCut, sink.tokensCut)
        let ends = data.shape == .sequences ? 1 : 0
        switch data.tokenizer {
        case .bytes: vocabulary = 256 + ends
        case .characters: vocabulary = sink.scalars.sorted.count + ends
        case .words:
            distinctWords = max(0, sink.words.count - 2)
            vocabulary = min(sink.words.count, data.vocabulary == 0 ? .max : data.vocabulary)
            unknownTokens = sink.words.occurrencesBeyond(limit: data.vocabulary)
        }
    }
}

/// Counts the symbols and the lines of a text.
private struct InspectionSink: TextSink {
    let isStream: Bool
    let longest: Int
    var scalars = ScalarSet()
    var words = WordTable()
    var tokens = 0
    var lengths = LineLengths()
    var linesCut = 0
    var tokensCut = 0
    private var lineTokens = 0
    private let countsLineEnds: Bool

    init(data: DataConfiguration, longest: Int) {
        isStream = data.shape == .stream
        countsLineEnds = data.tokenizer == .words
        self.longest = longest
        words.insert(Tokenizer.unknownSymbol)
        words.insert(Tokenizer.endOfSequenceSymbol)
    }

    @inline(__always)
    mutating func scalar(_ value: UInt32, at offset: Int) {
        scalars.insert(value)
        tokens &+= 1
        lineTokens &+= 1
        if isStream, value == 0x0A { noteLine() }
    }

    @inline(__always)
    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ScanError) {
        guard words.count(bytes) else { throw .tooManyWords }
        tokens &+= 1
        lineTokens &+= 1
    }

    mutating func lineEnd() {
        if isStream {
            tokens += 1
            noteLine()
        } else if lineTokens > 0 {
            // <eos>
            tokens += 1
            let length = lineTokens + 1
            if length > longest {
                linesCut += 1
                tokensCut += length - longest
            }
            lengths.note(length)
            lineTokens = 0
        }
    }

    /// A line of a stream, whose end is a token.
    private mutating func noteLine() {
        lengths.note(lineTokens)
        lineTokens = 0
    }

    /// Ends a last line that has no line end.
    mutating func finish() {
        guard lineTokens > 0 else { return }
        if !isStream || countsLineEnds { lineEnd() } else { noteLine() }
    }
}

extension WordTable {
    /// How often the words were seen that are not among the `limit` most frequent ones, `<unk>` and `<eos>` included
    /// among these; 0 for no limit.
    fileprivate func occurrencesBeyond(limit: Int) -> Int {
        guard limit > 0, count > limit else { return Int(clamping: occurrences(0)) }
        let frequencies = (2..<count).map { occurrences($0) }.sorted(by: >)
        return frequencies.dropFirst(limit - 2).reduce(Int(clamping: occurrences(0))) { $0 + Int(clamping: $1) }
    }
}
