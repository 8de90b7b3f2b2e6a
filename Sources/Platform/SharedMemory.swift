// Memory that two processes of one machine and one user both see.

import CPlatform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Memory of this process that another one can open by its address, without a name in any file system: nothing is left
/// behind however either process ends.
///
///     let mine = try SharedMemory(byteCount: 1 << 20)
///     // … send mine.address to a process of the same user on the same machine; there:
///     let theirs = try SharedMemory(opening: address, writable: true)
///
/// Pages that nobody touched cost nothing. The size is sealed: no process can make the memory shorter under another
/// one's feet. Linux only; elsewhere both initializers throw, and the caller sends copies instead.
public final class SharedMemory: @unchecked Sendable {
    /// What another process needs to open the memory.
    public struct Address: Sendable, Hashable {
        /// The process that made it.
        public var process: Int
        /// Its descriptor there.
        public var descriptor: Int
        /// A name that no other memory has: a process of another machine, or a later one, is not mistaken for the
        /// maker.
        public var token: String

        /// An address, as it was received.
        public init(process: Int, descriptor: Int, token: String) {
            (self.process, self.descriptor, self.token) = (process, descriptor, token)
        }
    }

    /// Where others find it.
    public let address: Address
    /// The memory, aligned to a page; valid while this object lives.
    public let bytes: UnsafeMutableRawBufferPointer
    private let descriptor: Int32

    /// Makes memory, all bytes zero.
    ///
    /// - Throws: `SharedMemoryError`.
    public init(byteCount: Int) throws(SharedMemoryError) {
        precondition(byteCount > 0, "memory to share holds at least one byte")
        let token = Self.tokenPrefix + String(RandomNumber.next(), radix: 16) + String(RandomNumber.next(), radix: 16)
        descriptor = rondo_sealed_memory(token, Int64(byteCount))
        guard descriptor >= 0 else { throw SharedMemoryError("of \(byteCount) bytes cannot be made", code: errno) }
        bytes = try Self.map(descriptor, byteCount: byteCount, writable: true)
        address = Address(process: Int(getpid()), descriptor: Int(descriptor), token: token)
    }

    /// Opens memory that another process made. Without `writable`, writing to it stops the process.
    ///
    /// - Throws: `SharedMemoryError` when it is not there, not ours to open, or not what the address says.
    public init(opening address: Address, writable: Bool) throws(SharedMemoryError) {
        let path = "/proc/\(address.process)/fd/\(address.descriptor)"
        // The link is read before it is opened: what a stranger points at must not be touched.
        var name = [CChar](repeating: 0, count: 256)
        let length = readlink(path, &name, name.count - 1)
        guard length > 0 else { throw SharedMemoryError("is not on this machine, or not ours", code: errno) }
        let found = String(decoding: name[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard address.token.hasPrefix(Self.tokenPrefix), found == "/memfd:\(address.token) (deleted)" else {
            throw SharedMemoryError("is another one", code: EINVAL)
        }
        descriptor = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC)
        guard descriptor >= 0 else { throw SharedMemoryError("cannot be opened", code: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_size > 0, rondo_is_sealed(descriptor) != 0 else {
            close(descriptor)
            throw SharedMemoryError("is not sealed", code: EINVAL)
        }
        bytes = try Self.map(descriptor, byteCount: Int(status.st_size), writable: writable)
        self.address = address
    }

    /// Simulated machines, all in one process, do not see each other's memory.
    private static var tokenPrefix: String {
        if let machine = StandIn.current { return "rondo-\(machine.hostName)-" }
        return "rondo-"
    }

    deinit {
        munmap(bytes.baseAddress, bytes.count)
        close(descriptor)
    }

    /// Maps all of it; closes the descriptor if that fails.
    private static func map(
        _ descriptor: Int32, byteCount: Int, writable: Bool
    ) throws(SharedMemoryError) -> UnsafeMutableRawBufferPointer {
        let rights = writable ? PROT_READ | PROT_WRITE : PROT_READ
        let found = mmap(nil, byteCount, rights, MAP_SHARED, descriptor, 0)
        guard let found, found != MAP_FAILED else {
            let code = errno
            close(descriptor)
            throw SharedMemoryError("cannot be mapped", code: code)
        }
        return UnsafeMutableRawBufferPointer(start: found, count: byteCount)
    }
}

/// Why memory cannot be shared.
public struct SharedMemoryError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the memory.
    public let problem: String
    /// The system's number of the error.
    public let code: Int32

    init(_ problem: String, code: Int32) {
        (self.problem, self.code) = (problem, code)
    }

    /// One line.
    public var description: String { "shared memory \(problem): \(String(cString: strerror(code)))" }
}
