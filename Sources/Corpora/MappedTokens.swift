// A token file in memory: mapped, checked once, read at random.

import Crypto
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The tokens of a file, mapped into memory: opening costs one pass over it, and many processes share one copy.
///
/// Every token is below ``vocabularyCount`` and every line holds at least one: that is checked when the file is
/// opened, so that nothing later has to. A process keeps a bounded part of the mapping in memory, however large the
/// file is: the operating system's cache holds the rest, once for all processes.
public final class MappedTokens: Sendable {
    /// The path of the file.
    public let path: String
    /// The number of tokens.
    public let count: Int
    /// The number of lines; 0 for a stream.
    public let lineCount: Int
    /// The number of symbols in the vocabulary.
    public let vocabularyCount: Int

    private let header: TokenFileHeader
    /// The whole file. Nothing writes to it, and it is unmapped when nobody refers to this object any more.
    nonisolated(unsafe) private let bytes: UnsafeRawBufferPointer
    /// Places looked at since the mapping was last let go of.
    private let looks = Atomic(0)
    /// Each look can map a stretch of 64 KiB around it, two for lines: at most 128 MiB between two releases.
    private static let looksBetweenReleases = 1024
    /// What a pass over the whole file maps at a time.
    private static let passBytes = 16 << 20

    /// Opens a token file.
    ///
    /// - Throws: ``CorpusError/file(path:operation:code:)``, ``CorpusError/notRegular(path:is:expected:)`` or
    ///   ``CorpusError/damaged(path:problem:)``.
    public convenience init(path: String) throws(CorpusError) {
        try self.init(try FileDescriptor(reading: path), path: path)
    }

    /// Maps an open token file, which errors call by `path`.
    init(_ file: consuming FileDescriptor, path: String) throws(CorpusError) {
        self.path = path
        let size = try file.size()
        guard size >= TokenFileHeader.byteCount else {
            throw .damaged(path: path, problem: "too short for a token file")
        }
        let address = mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw .file(path: path, operation: "map into memory", code: errno)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
        switch TokenFileHeader.decode(bytes) {
        case .success(let header): self.header = header
        case .failure(let problem):
            munmap(address, size)
            throw .damaged(path: path, problem: problem.text)
        }
        count = header.tokenCount
        lineCount = header.lineCount
        vocabularyCount = header.vocabularyCount
        // From here on `deinit` runs when an error is thrown.
        guard Int(largestToken()) < vocabularyCount || count == 0 else {
            throw .damaged(path: path, problem: "damaged: it holds a token that its vocabulary has not")
        }
        guard linesAreSound() else { throw .damaged(path: path, problem: "damaged: its lines are out of order") }
    }

    /// Opens a token file and makes sure that it has the content that is meant.
    ///
    /// - Throws: also ``CorpusError/differs(path:expected:found:)``.
    public convenience init(verifying reference: TokenFileReference) throws(CorpusError) {
        try self.init(path: reference.path)
        let found = sha256()
        guard found == reference.sha256 else {
            throw .differs(path: reference.path, expected: reference.sha256, found: found)
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    /// The SHA-256 of the whole file, as 64 hexadecimal digits.
    public func sha256() -> String {
        var hash = SHA256()
        inPieces(bytes) { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
        return hexadecimal(hash.finalize())
    }

    /// What refers to this file by its content.
    public func reference() -> TokenFileReference {
        TokenFileReference(path: path, sha256: sha256(), bytes: bytes.count, tokens: count, lines: lineCount)
    }

    // MARK: Access

    /// One token.
    ///
    /// - Precondition: `index` is below ``count``.
    public subscript(index: Int) -> Int32 {
        precondition(index >= 0 && index < count, "no token \(index) among \(count)")
        return header.width == 2 ? Int32(narrow[index]) : Int32(bitPattern: wide[index])
    }

    /// Some tokens in a row.
    ///
    /// - Precondition: `range` lies in `0 ..< count`.
    public func tokens(_ range: Range<Int>) -> [Int32] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "no tokens \(range) among \(count)")
        noteLook()
        if header.width == 2 { return narrow[range].map { Int32($0) } }
        return wide[range].map { Int32(bitPattern: $0) }
    }

    /// The tokens of a line, as indices of tokens.
    ///
    /// - Precondition: `line` is below ``lineCount``.
    public func line(_ line: Int) -> Range<Int> {
        precondition(line >= 0 && line < lineCount, "no line \(line) among \(lineCount)")
        noteLook()
        return Int(lineStarts[line])..<Int(lineStarts[line + 1])
    }

    private var narrow: UnsafeBufferPointer<UInt16> {
        UnsafeBufferPointer(start: start(TokenFileHeader.byteCount), count: count)
    }

    private var wide: UnsafeBufferPointer<UInt32> {
        UnsafeBufferPointer(start: start(TokenFileHeader.byteCount), count: count)
    }

    private var lineStarts: UnsafeBufferPointer<UInt64> {
        UnsafeBufferPointer(start: start(header.lineOffset), count: lineCount == 0 ? 0 : lineCount + 1)
    }

    private func start<Element>(_ offset: Int) -> UnsafePointer<Element>? {
        bytes.baseAddress.map { ($0 + offset).assumingMemoryBound(to: Element.self) }
    }

    private func largestToken() -> UInt32 {
        var largest: UInt32 = 0
        if header.width == 2 {
            inPieces(narrow) { piece in
                var narrowest: UInt16 = 0
                for token in piece { narrowest = max(narrowest, token) }
                largest = max(largest, UInt32(narrowest))
            }
        } else {
            inPieces(wide) { piece in for token in piece { largest = max(largest, token) } }
        }
        return largest
    }

    private func linesAreSound() -> Bool {
        guard lineCount > 0 else { return true }
        guard lineStarts[0] == 0, lineStarts[lineCount] == UInt64(count) else { return false }
        var isSound = true
        var previous: UInt64?
        inPieces(lineStarts) { piece in
            for start in piece {
                if let previous, start <= previous { isSound = false }
                previous = start
            }
        }
        return isSound
    }

    // MARK: Memory

    /// Goes over all elements piece by piece, and lets go of the memory of each.
    private func inPieces<Element>(
        _ elements: UnsafeBufferPointer<Element>, _ body: (UnsafeBufferPointer<Element>) -> Void
    ) {
        let step = Self.passBytes / MemoryLayout<Element>.stride
        for first in stride(from: 0, to: elements.count, by: step) {
            body(UnsafeBufferPointer(rebasing: elements[first..<min(first + step, elements.count)]))
            release()
        }
    }

    private func inPieces(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        inPieces(bytes.bindMemory(to: UInt8.self), body)
    }

    private func noteLook() {
        if looks.wrappingAdd(1, ordering: .relaxed).newValue % Self.looksBetweenReleases == 0 { release() }
    }

    /// Gives the mapped pages back; the next look at one maps it again from the operating system's cache.
    private func release() {
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, MADV_DONTNEED)
    }
}

extension MappedTokens {
    /// Writes a token file: what ``CorpusBuilder`` does for texts, for tokens at hand.
    ///
    /// - Parameters:
    ///   - lines: the lengths of the lines, none of them 0, together all tokens; empty for a stream.
    /// - Precondition: every token is below `vocabularyCount`.
    @discardableResult
    public static func write(
        _ tokens: [Int32], lines: [Int] = [], vocabularyCount: Int, to path: String
    ) throws(CorpusError) -> TokenFileReference {
        precondition(tokens.allSatisfy { $0 >= 0 && $0 < vocabularyCount }, "a token outside of the vocabulary")
        precondition(lines.isEmpty || lines.allSatisfy { $0 > 0 } && lines.reduce(0, +) == tokens.count)
        let writer = try TokenFileWriter(path: path, vocabularyCount: vocabularyCount)
        var start = 0
        for length in lines.isEmpty ? [tokens.count] : lines {
            let line = Array(tokens[start..<start + length])
            try line.withUnsafeBufferPointer { (line) throws(CorpusError) in try writer.append(line) }
            if !lines.isEmpty { try writer.endLine() }
            start += length
        }
        let reference = try writer.finish()
        try writer.publish()
        return reference
    }
}
