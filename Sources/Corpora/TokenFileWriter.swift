// Writing a token file as the tokens come.

import Crypto

/// Writes a token file beside its final name; `finish` hashes it, and `publish` gives it that name.
///
/// Tokens go to the file, the places of lines to a nameless file of their own, which is appended at the end: memory
/// stays at two buffers, whatever the number of tokens and lines. What is not published leaves nothing behind.
///
/// All is on the disk before the file gets its name. (It could be made again, but only from the very text that it was
/// made from, which may have changed.)
final class TokenFileWriter {
    let path: String
    /// `nil` for a file that never gets a name.
    private let partialPath: String?
    private let file: FileDescriptor
    private let lineFile: FileDescriptor
    private var header: TokenFileHeader
    private var lines: [UInt64] = []
    /// The tokens on their way to the file, in the array of their width.
    private var narrow: [UInt16] = []
    private var wide: [Int32] = []
    private var isPublished = false

    private static let tokensBuffered = 1 << 16
    private static let linesBuffered = 1 << 13

    init(path: String, vocabularyCount: Int) throws(CorpusError) {
        self.path = path
        let partialPath = FileSystem.partial(path)
        self.partialPath = partialPath
        header = TokenFileHeader(
            width: TokenFileHeader.width(vocabularyCount: vocabularyCount), tokenCount: 0, lineCount: 0,
            vocabularyCount: vocabularyCount)
        let linePath = partialPath + "-lines"
        file = try FileDescriptor(creating: partialPath)
        do {
            lineFile = try FileDescriptor(creating: linePath)
        } catch {
            FileSystem.remove(partialPath)
            throw error
        }
        FileSystem.remove(linePath)
        try file.write(elements: header.encoded)
    }

    /// Writes tokens that are needed for a while, into a file without a name.
    ///
    /// - Parameter path: what errors call the tokens by.
    init(temporaryFor path: String, vocabularyCount: Int) throws(CorpusError) {
        self.path = path
        partialPath = nil
        header = TokenFileHeader(
            width: TokenFileHeader.width(vocabularyCount: vocabularyCount), tokenCount: 0, lineCount: 0,
            vocabularyCount: vocabularyCount)
        file = try FileDescriptor(temporaryIn: FileSystem.temporaryDirectory)
        lineFile = try FileDescriptor(temporaryIn: FileSystem.temporaryDirectory)
        try file.write(elements: header.encoded)
    }

    deinit { if !isPublished, let partialPath { FileSystem.remove(partialPath) } }

    /// Adds tokens, all of them below the size of the vocabulary.
    func append(_ tokens: UnsafeBufferPointer<Int32>) throws(CorpusError) {
        header.tokenCount += tokens.count
        if header.width == 2 {
            narrow.append(contentsOf: tokens.lazy.map { UInt16(truncatingIfNeeded: $0).littleEndian })
        } else {
            wide.append(contentsOf: tokens.lazy.map { $0.littleEndian })
        }
        if max(narrow.count, wide.count) >= Self.tokensBuffered { try flushTokens() }
    }

    /// Marks the end of a line at the tokens so far. The line must not be empty.
    func endLine() throws(CorpusError) {
        if header.lineCount == 0 { lines.append(0) }
        header.lineCount += 1
        lines.append(UInt64(header.tokenCount))
        if lines.count >= Self.linesBuffered { try flushLines() }
    }

    private func flushTokens() throws(CorpusError) {
        try file.write(elements: narrow)
        try file.write(elements: wide)
        narrow.removeAll(keepingCapacity: true)
        wide.removeAll(keepingCapacity: true)
    }

    private func flushLines() throws(CorpusError) {
        try lineFile.write(elements: lines)
        lines.removeAll(keepingCapacity: true)
    }

    /// Completes the file and reads it once more for its hash.
    func finish() throws(CorpusError) -> TokenFileReference {
        try flushTokens()
        try flushLines()
        let padding = header.lineOffset - TokenFileHeader.byteCount - header.tokenCount * header.width
        try file.write(elements: [UInt8](repeating: 0, count: padding))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        try lineFile.seek(to: 0)
        while case let count = try lineFile.read(into: buffer), count > 0 {
            try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try file.seek(to: 0)
        try file.write(elements: header.encoded)
        try file.seek(to: 0)
        var hash = SHA256()
        while case let count = try file.read(into: buffer), count > 0 {
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        try file.sync()
        return TokenFileReference(
            path: path, sha256: hexadecimal(hash.finalize()), bytes: header.fileBytes, tokens: header.tokenCount,
            lines: header.lineCount)
    }

    /// The finished file, mapped; it lives as long as the mapping.
    func mapped() throws(CorpusError) -> MappedTokens { try MappedTokens(try file.duplicate(path), path: path) }

    /// Gives the finished file its name.
    func publish() throws(CorpusError) {
        guard let partialPath else { return }
        try FileSystem.move(partialPath, to: path)
        isPublished = true
    }
}

/// The digits of a digest.
func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
