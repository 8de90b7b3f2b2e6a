// A text file in pieces: whatever its size, a megabyte of it is in memory.

/// Reads a text in pieces that end where a symbol ends.
struct TextReader: ~Copyable {
    private let file: FileDescriptor
    private let boundary: TextBoundary
    private let buffer: UnsafeMutableRawBufferPointer
    /// The bytes at the start of the buffer that were read but not yet handed out lie here.
    private var rest = 0..<0
    private var offset = 0
    private var isAtEnd = false
    private var isFirst = true

    /// The size of a piece, and so the length of the longest word.
    static let chunkBytes = 1 << 20

    init(path: String, boundary: TextBoundary, chunkBytes: Int = chunkBytes) throws(CorpusError) {
        file = try FileDescriptor(reading: path)
        self.boundary = boundary
        buffer = .allocate(byteCount: chunkBytes, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// Hands the next piece and its offset in the file to `body`; `false` at the end of the text.
    ///
    /// A byte order mark at the start of the file is not text, except where tokens are bytes.
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
        try body(UnsafeRawBufferPointer(rebasing: whole[skipped..<length]), offset + skipped)
        return true
    }

    private mutating func fill() throws(CorpusError) {
        if rest.lowerBound > 0 && !rest.isEmpty {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[rest]))
        }
        rest = 0..<rest.count
        while !isAtEnd && rest.count < buffer.count {
            let count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[rest.count...]))
            if count == 0 { isAtEnd = true }
            rest = 0..<(rest.count + count)
        }
    }

    /// What a file that is not a text is, by its first bytes: for error messages only.
    static func otherFormat(of path: String) -> String? {
        var start = [UInt8](repeating: 0, count: 4)
        let count = start.withUnsafeMutableBytes { buffer -> Int in
            guard let file = try? FileDescriptor(reading: path) else { return 0 }
            return (try? file.read(into: buffer)) ?? 0
        }
        let formats: [(bytes: [UInt8], name: String)] = [
            ([0x1F, 0x8B], "compressed with gzip; unpack it first"),
            ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; unpack it first"),
            ([0xFD, 0x37, 0x7A, 0x58], "compressed with xz; unpack it first"),
            ([0xFF, 0xFE], "in UTF-16; convert it first"), ([0xFE, 0xFF], "in UTF-16; convert it first"),
        ]
        return formats.first { start[..<count].starts(with: $0.bytes) }?.name
    }

    /// The number of the line, counted from 1, that holds a byte: read anew, for error messages only.
    static func line(ofByte offset: Int, in path: String) -> Int {
        guard var reader = try? TextReader(path: path, boundary: .byte) else { return 1 }
        var line = 1
        while let isMore = try? reader.next({ (piece, start) in
            for byte in piece.prefix(max(0, offset - start)) where byte == 0x0A { line += 1 }
        }), isMore {}
        return line
    }
}
