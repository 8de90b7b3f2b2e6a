// A text file in pieces: whatever its size, a megabyte of it is in memory.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads a text in pieces that end where a symbol ends.
struct TextReader: ~Copyable {
    private let file: FileDescriptor
    private let boundary: TextBoundary
    private let buffer: UnsafeMutableRawBufferPointer
    /// The bytes at the start of the buffer that were read but not yet handed out lie here.
    private var rest = 0..<0
    private var offset = 0
    private var readOffset = 0
    private var isAtEnd = false
    private var isFirst = true

    /// The size of a piece, and so the length of the longest word.
    static let chunkBytes = 1 << 20

    init(_ source: borrowing TextSource, boundary: TextBoundary, chunkBytes: Int = chunkBytes) throws(CorpusError) {
        file = try source.duplicate()
        self.boundary = boundary
        buffer = .allocate(byteCount: chunkBytes, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// Hands the next piece and its offset in the file to `body`; `false` at the end of the text.
    ///
    /// A byte order mark at the start of the file is not text, except where tokens are bytes; elsewhere a zero byte
    /// says that the file is no text in UTF-8.
    mutating func next(
        _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(ScanError) -> Void
    ) throws(ScanError) -> Bool {
        do {
            try fill()
        } catch {
            throw .output(error)
        }
        guard !rest.isEmpty else { return false }
        let whole = UnsafeRawBufferPointer(rebasing: buffer[rest])
        let length = isAtEnd ? whole.count : boundary.cut(whole)
        guard length > 0 else {
            if boundary == .character { throw .notUTF8(offset: offset) }
            throw .output(.wordTooLong(path: file.path, byteOffset: offset, bytesMax: buffer.count))
        }
        defer {
            offset += length
            rest = (rest.lowerBound + length)..<rest.upperBound
        }
        let isMarked = isFirst && boundary != .byte && whole.starts(with: [0xEF, 0xBB, 0xBF])
        isFirst = false
        let skipped = isMarked ? 3 : 0
        if boundary != .byte, let base = whole.baseAddress, let zero = memchr(base, 0, length) {
            throw .zeroByte(offset: offset + (UnsafeRawPointer(zero) - base))
        }
        try body(UnsafeRawBufferPointer(rebasing: whole[skipped..<length]), offset + skipped)
        return true
    }

    private mutating func fill() throws(CorpusError) {
        if rest.lowerBound > 0 && !rest.isEmpty {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[rest]))
        }
        rest = 0..<rest.count
        while !isAtEnd && rest.count < buffer.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[rest.count...])
            let count = try file.read(into: room, at: readOffset)
            if count == 0 { isAtEnd = true }
            readOffset += count
            rest = 0..<(rest.count + count)
        }
    }
}
