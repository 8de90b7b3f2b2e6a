// What a parent hands to a child and nobody else shall read.

import CPlatform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Bytes that a child reads by an inherited descriptor: they have no name in any file system, and show in neither
/// arguments nor environment.
///
///     let key = try NamelessFile(text)
///     ChildProcess(executable: path, arguments: ["--key", "/dev/fd/3"], inheriting: [key.descriptor], log: log)
public final class NamelessFile: Sendable {
    /// Open for as long as this object lives; children inherit it only if it is handed to them.
    public let descriptor: Int32

    /// A file of these bytes.
    ///
    /// - Throws: `ChildProcessError` when the system has no descriptor or no memory left.
    public init(_ bytes: [UInt8]) throws(ChildProcessError) {
        let descriptor = rondo_nameless_file("rondo-handed-over")
        guard descriptor >= 0 else { throw Self.error() }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(written))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = Self.error()
                close(descriptor)
                throw error
            }
            written += count
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func error() -> ChildProcessError {
        ChildProcessError(description: "nothing can be handed to a child process: \(String(cString: strerror(errno)))")
    }
}
