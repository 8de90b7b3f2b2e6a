// Whether a file is another one than before.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What changes when a file is replaced; all zero while there is none.
struct FileStamp: Equatable, Sendable {
    /// Of no file.
    static let none = FileStamp()

    private var inode: UInt64 = 0
    private var seconds = 0
    private var nanoseconds = 0
    private var bytes = 0

    private init() {}

    init(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        inode = UInt64(status.st_ino)
        bytes = Int(status.st_size)
        #if canImport(Darwin)
        (seconds, nanoseconds) = (Int(status.st_mtimespec.tv_sec), Int(status.st_mtimespec.tv_nsec))
        #else
        (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
        #endif
    }
}
