// A file that is being written, and hashed on the way.

import Crypto
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A new file of a checkpoint: bytes go in piece by piece, and are hashed on their way to the disk.
///
/// Each piece is handed to the system as it comes, without a copy; pieces of 64 KiB and more cost least.
public struct OutputFile: ~Copyable {
    /// Where the file is being written; not its final place.
    public let path: String
    private let fileSystem: FileSystem
    private var descriptor: Int32
    private var hash = SHA256()
    private var size = 0

    init(creating path: String, fileSystem: FileSystem) throws(CheckpointError) {
        descriptor = try fileSystem.createFile(path)
        self.path = path
        self.fileSystem = fileSystem
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Appends bytes.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        // A megabyte is hashed and written while it is in the cache.
        let pieceBytes = 1 << 20
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(pieceBytes))
            hash.update(bufferPointer: piece)
            let (fileSystem, descriptor, path) = (fileSystem, descriptor, path)
            try LongWork.run { () throws(CheckpointError) in
                try fileSystem.write(piece, to: descriptor, path: path)
            }
            size += piece.count
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Appends bytes.
    public mutating func append(_ bytes: [UInt8]) throws(CheckpointError) {
        try bytes.withUnsafeBufferPointer { bytes throws(CheckpointError) in
            try append(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Waits until all is on the disk, and closes the file.
    mutating func finish() throws(CheckpointError) -> FileDigest {
        precondition(descriptor >= 0, "a file is finished once")
        try fileSystem.syncFile(descriptor, path: path)
        // A network's file system may send what is left now.
        let finished = descriptor
        LongWork.run { _ = close(finished) }
        descriptor = -1
        return FileDigest(size: size, hash: hash)
    }
}
