// What is done with the symbols of a corpus: first they are counted, then they are written as tokens.

import Configuration
import Numerics

/// The first reading of a text: which symbols it has, and how many.
struct CorpusSurvey: TextSink {
    /// How line ends of words count; for the other tokenizers a line end is a symbol, unless lines are sequences.
    let shape: StreamShape
    var scalars = ScalarSet()
    var words: WordTable
    private(set) var tokenCount = 0
    private(set) var lineCount = 0
    private var lineTokenCount = 0

    init(shape: StreamShape) {
        self.shape = shape
        words = WordTable()
        words.insert(Tokenizer.unknownSymbol)
        words.insert(Tokenizer.endOfSequenceSymbol)
    }

    @inline(__always)
    mutating func scalar(_ value: UInt32, at offset: Int) {
        scalars.insert(value)
        tokenCount &+= 1
        lineTokenCount &+= 1
    }

    @inline(__always)
    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ScanError) {
        guard words.count(bytes) else { throw .tooManyWords }
        tokenCount &+= 1
        lineTokenCount &+= 1
    }

    mutating func lineEnd() {
        if shape == .stream {
            tokenCount += 1
        } else if lineTokenCount > 0 {
            lineCount += 1
        }
        lineTokenCount = 0
    }

    /// Ends a last line that has no line end.
    mutating func finish() { if lineTokenCount > 0 { lineEnd() } }
}

/// The second reading: symbols become tokens in one or two files.
struct CorpusEncoder: TextSink {
    private let shape: StreamShape
    private let scalarTable: ScalarTable
    private let wordTable: WordTable
    private let unknown: Int32
    private let endOfLine: Int32
    private let buffer: UnsafeMutableBufferPointer<Int32>
    private var filled = 0
    private var lineTokenCount = 0
    private var split: CorpusSplit
    /// The tokens that still go to the current file before the split, in a stream.
    private var remaining: Int
    private var writer: TokenFileWriter

    /// - Parameter buffer: memory for tokens on their way, owned by the caller.
    init(tokenizer: Tokenizer, shape: StreamShape, split: CorpusSplit, buffer: UnsafeMutableBufferPointer<Int32>) {
        self.shape = shape
        var split = split
        self.buffer = buffer
        scalarTable = tokenizer.scalarTable
        wordTable = tokenizer.wordTable
        unknown = tokenizer.unknown ?? -1
        endOfLine = tokenizer.endOfSequence ?? -1
        remaining = shape == .stream ? split.trainingCount : .max
        writer = shape == .stream ? split.training : split.writerOfNextLine()
        self.split = split
    }

    @inline(__always)
    mutating func scalar(_ value: UInt32, at offset: Int) throws(ScanError) {
        let token = scalarTable.token(value)
        guard token >= 0 else { throw .unknownScalar(value, offset: offset) }
        try append(token)
    }

    @inline(__always)
    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ScanError) {
        let token = wordTable.find(bytes)
        try append(token >= 0 ? token : unknown)
    }

    mutating func lineEnd() throws(ScanError) {
        if shape == .stream {
            try append(endOfLine)
        } else if lineTokenCount > 0 {
            try flush()
            do { try writer.endLine() } catch { throw .output(error) }
            writer = split.writerOfNextLine()
        }
        lineTokenCount = 0
    }

    /// Ends a last line that has no line end, and empties the buffer.
    mutating func finish() throws(ScanError) {
        if lineTokenCount > 0 && endOfLine >= 0 { try lineEnd() }
        try flush()
    }

    @inline(__always)
    private mutating func append(_ token: Int32) throws(ScanError) {
        if filled == buffer.count || remaining == 0 { try makeRoom() }
        buffer[filled] = token
        filled &+= 1
        remaining &-= 1
        lineTokenCount &+= 1
    }

    private mutating func makeRoom() throws(ScanError) {
        try flush()
        if remaining == 0, let validation = split.validation {
            writer = validation
            remaining = .max
        }
    }

    private mutating func flush() throws(ScanError) {
        do {
            try writer.append(UnsafeBufferPointer(rebasing: buffer[..<filled]))
        } catch {
            throw .output(error)
        }
        filled = 0
    }
}
