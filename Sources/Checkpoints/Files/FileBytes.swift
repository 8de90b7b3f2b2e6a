// The bytes of a file that is only read: mapped, or held in memory.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Read-only bytes that are released with their last owner. A class, because the memory has an identity; safe to
/// share, because nothing writes to it.
final class FileBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    private let mapped: Bool

    /// Maps a file. Pages are read when they are touched.
    init(mapping path: String) throws(CheckpointError) {
        let file = try InputFile(path: path)
        guard file.size > 0 else {
            (bytes, mapped) = (UnsafeRawBufferPointer(start: nil, count: 0), false)
            return
        }
        guard let base = mmap(nil, file.size, PROT_READ, MAP_PRIVATE, file.descriptor, 0), base != MAP_FAILED else {
            throw CheckpointError(code: errno, path: path, action: "map into memory")
        }
        (bytes, mapped) = (UnsafeRawBufferPointer(start: base, count: file.size), true)
    }

    /// Reads a file.
    init(reading path: String) throws(CheckpointError) {
        let file = try InputFile(path: path)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: file.size, alignment: 64)
        do {
            let count = try file.fill(memory)
            (bytes, mapped) = (UnsafeRawBufferPointer(rebasing: memory[..<count]), false)
        } catch {
            memory.deallocate()
            throw error
        }
    }

    /// Copies bytes.
    init(copying source: UnsafeRawBufferPointer) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
        memory.copyMemory(from: source)
        (bytes, mapped) = (UnsafeRawBufferPointer(memory), false)
    }

    deinit {
        if mapped {
            munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        } else {
            bytes.deallocate()
        }
    }
}
