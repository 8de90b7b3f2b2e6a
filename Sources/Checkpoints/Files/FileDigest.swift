// The size and SHA-256 of a file, and how files are read and hashed without holding them in memory.

import Crypto

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What a manifest says about one file.
public struct FileDigest: Equatable, Sendable {
    /// The size in bytes.
    public var size: Int
    /// SHA-256 of the contents, 64 lower-case hexadecimal digits.
    public var sha256: String

    /// A digest with known values.
    public init(size: Int, sha256: String) {
        self.size = size
        self.sha256 = sha256
    }

    /// The digest of bytes in memory.
    public init(of bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self.init(size: bytes.count, hash: hash)
    }

    init(size: Int, hash: SHA256) {
        let digits = Array("0123456789abcdef".utf8)
        let hexadecimal = hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        self.init(size: size, sha256: String(decoding: hexadecimal, as: UTF8.self))
    }
}

/// A regular file, open for reading.
struct InputFile: ~Copyable {
    let path: String
    let size: Int
    let descriptor: Int32

    init(path: String) throws(CheckpointError) {
        // Not blocking, so that a pipe of this name cannot hang the process.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw CheckpointError(code: errno, path: path, action: "open") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .contents(path: path, reason: "not a regular file")
        }
        self.path = path
        self.size = Int(status.st_size)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Reads up to the size of the buffer; 0 at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) -> Int {
        while true {
            #if canImport(Glibc)
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
            let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Darwin)
            let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 { return count }
            guard errno == EINTR else { throw CheckpointError(code: errno, path: path, action: "read") }
        }
    }

    /// Fills the buffer; returns how much there was when the file ends first.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Reads on to the end, 1 MiB at a time, and hashes what it reads.
    func digest() throws(CheckpointError) -> FileDigest {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var hash = SHA256()
        var size = 0
        while true {
            let count = try read(into: buffer)
            if count == 0 { return FileDigest(size: size, hash: hash) }
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            size += count
        }
    }
}
