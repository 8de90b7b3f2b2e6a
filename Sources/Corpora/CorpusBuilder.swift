// From a text to tokens: two readings, whatever the size.

import Configuration
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The `errno` of a file that is not there.
let noSuchFile = ENOENT

/// Makes a vocabulary and token files out of the text that a configuration names.
///
/// The text is read twice in pieces of a megabyte, first for its vocabulary, then for its tokens; only the vocabulary
/// is held in memory. What comes out is a function of the text and the configuration: the same bytes everywhere.
public enum CorpusBuilder {
    /// Reads the text of a configuration and writes `tokenizer.json`, `training.tokens` and `validation.tokens`, and
    /// `texts.json` with what the texts were.
    ///
    /// Files appear under their names only when all of them are complete. Paths are taken as they are given: relative
    /// ones from the working directory.
    ///
    /// - Parameter directory: where the files go; made if it is missing.
    /// - Throws: what is wrong with the text, or why a file cannot be written. Nothing partial is left behind.
    public static func prepare(
        _ configuration: RunConfiguration, into directory: String
    ) throws(CorpusError) -> PreparedCorpus {
        let data = configuration.data
        let text = try TextSource(path: data.train)
        let stamp = try text.stamp()
        let survey = try survey(text, data)
        let tokenizer = tokenizer(of: survey, data)
        let units = data.shape == .stream ? survey.tokenCount : survey.lineCount
        try checkTraining(units: units, configuration)

        try FileSystem.makeDirectory(directory)
        let training = try TokenFileWriter(
            path: "\(directory)/\(PreparedCorpus.trainingName)", vocabularyCount: tokenizer.count)
        let validationPath = "\(directory)/\(PreparedCorpus.validationName)"
        var validation: TokenFileWriter?
        if data.validation != .fraction(0) {
            validation = try TokenFileWriter(path: validationPath, vocabularyCount: tokenizer.count)
        }
        var validationText: TextIdentity?
        switch data.validation {
        case .fraction(let fraction):
            try encode(
                text, tokenizer, data.shape,
                CorpusSplit(training: training, validation: validation, count: units, fraction: fraction))
        case .file(let path):
            try encode(
                text, tokenizer, data.shape,
                CorpusSplit(training: training, validation: nil, count: units, fraction: 0))
            if let validation {
                let own = try TextSource(path: path)
                let stamp = try own.stamp()
                try encode(
                    own, tokenizer, data.shape,
                    CorpusSplit(training: validation, validation: nil, count: .max, fraction: 0))
                validationText = try own.identity(since: stamp)
            }
        }

        let trainingReference = try training.finish()
        let validationReference = try finish(validation, data)
        let texts = PreparedTexts(training: try text.identity(since: stamp), validation: validationText)
        try write(texts.json(), to: "\(directory)/\(PreparedTexts.fileName)")
        try write(tokenizer.json(), to: "\(directory)/\(PreparedCorpus.tokenizerName)")
        try training.publish()
        if let validation { try validation.publish() } else { FileSystem.remove(validationPath) }
        try FileSystem.syncDirectory(directory)
        return PreparedCorpus(
            tokenizer: tokenizer, training: trainingReference, validation: validationReference)
    }

    /// The tokens of a text in the vocabulary of a run, as the run would read them; or those of a token file that a run
    /// has prepared.
    ///
    /// - Parameters:
    ///   - path: a file, a pipe, or `-` for standard input. What cannot be read twice, and the tokens, stay in files
    ///     without names in the temporary directory; memory holds none of them.
    /// - Throws: ``CorpusError/empty(path:)`` for a text without tokens; what is wrong with another.
    public static func tokens(
        of path: String, _ tokenizer: Tokenizer, _ shape: StreamShape
    ) throws(CorpusError) -> MappedTokens {
        let text = try TextSource(copyingStream: path)
        if text.start(TokenFileHeader.magic.count) == TokenFileHeader.magic {
            return try MappedTokens(try text.duplicate(), path: text.path)
        }
        let writer = try TokenFileWriter(temporaryFor: text.path, vocabularyCount: tokenizer.count)
        try encode(
            text, tokenizer, shape, CorpusSplit(training: writer, validation: nil, count: .max, fraction: 0))
        guard try writer.finish().tokens > 0 else { throw .empty(path: text.path) }
        return try writer.mapped()
    }

    /// Removes what an earlier ``prepare(_:into:)`` left in a directory when it was killed. Nobody may be preparing
    /// anything there.
    public static func removeLeftovers(in directory: String) {
        for name in FileSystem.names(in: directory)
        where PreparedCorpus.fileNames.contains(where: { name.hasPrefix(FileSystem.partialPrefix($0)) }) {
            FileSystem.remove("\(directory)/\(name)")
        }
    }

    // MARK: The readings

    private static func survey(
        _ text: borrowing TextSource, _ data: DataConfiguration
    ) throws(CorpusError) -> CorpusSurvey {
        var survey = CorpusSurvey(shape: data.shape)
        do {
            try scan(text, data.tokenizer, LineEnds(data.shape), into: &survey)
        } catch {
            throw corpusError(error, text)
        }
        // A line end makes no token except of words, where an unfinished last line has one nevertheless.
        if data.tokenizer == .words || data.shape == .sequences { survey.finish() }
        guard survey.tokenCount > 0 else { throw .empty(path: data.train) }
        return survey
    }

    static func encode(
        _ text: borrowing TextSource, _ tokenizer: Tokenizer, _ shape: StreamShape, _ split: CorpusSplit
    ) throws(CorpusError) {
        let buffer = UnsafeMutableBufferPointer<Int32>.allocate(capacity: 1 << 15)
        defer { buffer.deallocate() }
        var encoder = CorpusEncoder(tokenizer: tokenizer, shape: shape, split: split, buffer: buffer)
        do {
            try scan(text, tokenizer.kind, LineEnds(shape, tokenizer), into: &encoder)
            try encoder.finish()
        } catch {
            throw corpusError(error, text)
        }
    }

    private static func scan<Sink: TextSink>(
        _ text: borrowing TextSource, _ kind: TokenizerKind, _ lineEnds: LineEnds, into sink: inout Sink
    ) throws(ScanError) {
        _ = try scan(text, kind, lineEnds, bytesMax: .max, into: &sink)
    }

    /// Reads whole pieces of a text until there were at least `bytesMax` bytes.
    ///
    /// - Returns: the bytes that were read, and whether they are all.
    private static func scan<Sink: TextSink>(
        _ text: borrowing TextSource, _ kind: TokenizerKind, _ lineEnds: LineEnds, bytesMax: Int, into sink: inout Sink
    ) throws(ScanError) -> (bytes: Int, isComplete: Bool) {
        let boundary: TextBoundary =
            switch kind {
            case .bytes: .byte
            case .characters: .character
            case .words: .word
            }
        var reader: TextReader
        do { reader = try TextReader(text, boundary: boundary) } catch { throw .output(error) }
        var end = 0
        while end < bytesMax {
            let isMore = try reader.next({ (piece, offset) throws(ScanError) in
                switch kind {
                case .bytes: try TextScanner.bytes(piece, at: offset, lineEnds: lineEnds, into: &sink)
                case .characters: try TextScanner.characters(piece, at: offset, lineEnds: lineEnds, into: &sink)
                case .words: try TextScanner.words(piece, at: offset, into: &sink)
                }
                end = offset + piece.count
            })
            if !isMore { return (end, true) }
        }
        return (end, false)
    }

    /// Reads a text as a configuration says, for somebody who only counts.
    static func scan<Sink: TextSink>(
        _ text: borrowing TextSource, _ data: DataConfiguration, bytesMax: Int, into sink: inout Sink
    ) throws(CorpusError) -> (bytes: Int, isComplete: Bool) {
        do {
            return try scan(text, data.tokenizer, LineEnds(data.shape), bytesMax: bytesMax, into: &sink)
        } catch {
            throw corpusError(error, text)
        }
    }

    private static func corpusError(_ error: ScanError, _ text: borrowing TextSource) -> CorpusError {
        let path = text.path
        switch error {
        case .output(let error): return error
        case .tooManyWords: return .tooManyWords(path: path, wordsMax: WordTable.countMax)
        case .notUTF8(let offset):
            return .notUTF8(
                path: path, byteOffset: offset, line: text.line(ofByte: offset), found: text.otherFormat(),
                encoding: text.encoding(atByte: offset))
        case .zeroByte(let offset):
            let line = text.line(ofByte: offset)
            let start = text.start()
            if TextEncoding.other(start) == nil, let found = text.otherFormat() {
                return .notUTF8(path: path, byteOffset: offset, line: line, found: found, encoding: nil)
            }
            return .zeroByte(
                path: path, byteOffset: offset, line: line, advice: TextEncoding.zeroByteAdvice(start))
        case .unknownScalar(let scalar, let offset):
            return .unknownSymbol(
                path: path, symbol: String(Character(Unicode.Scalar(scalar) ?? "\u{FFFD}")),
                line: text.line(ofByte: offset))
        }
    }

    // MARK: The vocabulary

    private static func tokenizer(of survey: CorpusSurvey, _ data: DataConfiguration) -> Tokenizer {
        let endOfSequence = data.shape == .sequences
        switch data.tokenizer {
        case .bytes: return Tokenizer(bytesWithEndOfSequence: endOfSequence)
        case .characters: return Tokenizer(sortedScalars: survey.scalars.sorted, endOfSequence: endOfSequence)
        case .words: return Tokenizer(wordTable: survey.words.vocabulary(limit: data.vocabulary))
        }
    }

    // MARK: Checks and files

    private static func checkTraining(units: Int, _ configuration: RunConfiguration) throws(CorpusError) {
        let (data, training) = (configuration.data, configuration.training)
        var count = units
        if case .fraction(let fraction) = data.validation {
            count = CorpusSplit.trainingCount(count: units, fraction: fraction)
        }
        switch data.shape {
        case .stream:
            let needed = training.batch * training.sequence + 1
            guard count >= needed else {
                throw .tooShort(
                    path: data.train, part: .training, tokens: count, tokensNeeded: needed,
                    needed: StreamSchedule.needed(lanes: training.batch, sequence: training.sequence))
            }
        case .sequences:
            guard count >= 1 else {
                // A text without lines was refused before: those that are there are all set aside.
                throw .noLines(path: data.train, lines: units)
            }
        }
    }

    private static func finish(
        _ validation: TokenFileWriter?, _ data: DataConfiguration
    ) throws(CorpusError) -> TokenFileReference? {
        guard let validation else { return nil }
        let reference = try validation.finish()
        let needed = data.shape == .stream ? 2 : 1
        guard reference.tokens >= needed else {
            var path = data.train
            if case .file(let own) = data.validation { path = own }
            throw .tooShort(
                path: path, part: .validation, tokens: reference.tokens, tokensNeeded: needed,
                needed: "one to predict; for no validation set data.validation to 0")
        }
        return reference
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(CorpusError) {
        let partial = FileSystem.partial(path)
        do {
            let file = try FileDescriptor(creating: partial)
            try file.write(elements: bytes)
            try file.sync()
            try FileSystem.move(partial, to: path)
        } catch {
            FileSystem.remove(partial)
            throw error
        }
    }
}
