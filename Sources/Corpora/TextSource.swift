// A text that can be read more than once: a regular file, or what came through a pipe, kept for a while.

import Crypto
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open text. Every reading of it sees the same file, whatever becomes of its name meanwhile.
struct TextSource: ~Copyable {
    /// What errors call the text by.
    let path: String
    fileprivate let file: FileDescriptor

    /// Opens a regular file.
    ///
    /// - Throws: `CorpusError.notRegular` for anything else.
    init(path: String) throws(CorpusError) {
        self.path = path
        file = try FileDescriptor(reading: path)
    }

    /// Opens a regular file, or copies a stream, `-` being standard input, into a temporary file without a name.
    init(copyingStream path: String) throws(CorpusError) {
        self.path = InputFile.name(path)
        file = try Self.kept(path, name: self.path)
    }

    private static func kept(_ path: String, name: String) throws(CorpusError) -> FileDescriptor {
        let descriptor: Int32
        do { descriptor = try InputFile.open(path, .stream) } catch { throw CorpusError(error) }
        let input = FileDescriptor(adopting: descriptor, path: name)
        // What was read from standard input before is no part of the text, even where it is a file.
        if try input.isRegular(), path != "-" { return input }
        let copy = try FileDescriptor(temporaryIn: FileSystem.temporaryDirectory)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        while case let count = try input.read(into: buffer), count > 0 {
            try copy.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return copy
    }

    /// The size of the text in bytes.
    func size() throws(CorpusError) -> Int { try file.size() }

    /// What tells this state of the file from later ones.
    func stamp() throws(CorpusError) -> TextStamp { try file.stamp() }

    /// The SHA-256 of the whole text, as 64 hexadecimal digits.
    func sha256() throws(CorpusError) -> String {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var (hash, offset) = (SHA256(), 0)
        while case let count = try file.read(into: buffer, at: offset), count > 0 {
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
        return hexadecimal(hash.finalize())
    }

    /// What the text is, for later comparison, after it was read.
    ///
    /// - Parameter stamp: what it was before.
    /// - Throws: ``CorpusError/changing(path:)`` if it was changed meanwhile.
    func identity(since stamp: TextStamp) throws(CorpusError) -> TextIdentity {
        let digest = try sha256()
        guard try self.stamp().isSameContent(as: stamp) else { throw .changing(path: path) }
        return TextIdentity(path: path, sha256: digest, stamp: stamp)
    }

    /// The first bytes of the text.
    func start(_ count: Int = 64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { buffer in
            (try? file.read(into: buffer, at: 0)) ?? 0
        }
        return Array(bytes[..<read])
    }

    /// Another descriptor of the same file.
    func duplicate() throws(CorpusError) -> FileDescriptor { try file.duplicate(path) }

    // MARK: For error messages

    /// What a file that is not a text is.
    func otherFormat() -> String? {
        let start = start()
        let formats: [(bytes: [UInt8], name: String)] = [
            ([0x1F, 0x8B], "compressed with gzip; unpack it first"),
            ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd; unpack it first"),
            ([0xFD, 0x37, 0x7A, 0x58], "compressed with xz; unpack it first"),
            ([0x42, 0x5A, 0x68], "compressed with bzip2; unpack it first"),
            ([0x50, 0x4B, 0x03, 0x04], "a zip archive, or a document in one; unpack or export it as text first"),
            ([0x25, 0x50, 0x44, 0x46], "a PDF; export it as text first"),
        ]
        if let format = formats.first(where: { start.starts(with: $0.bytes) }) { return format.name }
        guard let name = TextEncoding.other(start) else { return nil }
        return "in \(name); convert it first (iconv -f \(name.lowercased()) -t utf-8)"
    }

    /// The encoding that the bytes around one that is not UTF-8 speak for; `nil` if none.
    func encoding(atByte offset: Int) -> String? {
        let start = max(0, offset - Self.surroundingsBytes)
        var bytes = [UInt8](repeating: 0, count: 2 * Self.surroundingsBytes)
        let read = bytes.withUnsafeMutableBytes { (try? file.read(into: $0, at: start)) ?? 0 }
        return TextEncoding.eightBit(bytes[..<read], faultAt: offset - start)
    }

    private static let surroundingsBytes = 1 << 15

    /// The number of the line, counted from 1, that holds a byte.
    func line(ofByte offset: Int) -> Int {
        guard var reader = try? TextReader(self, boundary: .byte) else { return 1 }
        var line = 1
        var end = 0
        while end < offset,
            let isMore = try? reader.next({ (piece, start) in
                for byte in piece.prefix(max(0, offset - start)) where byte == 0x0A { line += 1 }
                end = start + piece.count
            }), isMore
        {}
        return line
    }
}
