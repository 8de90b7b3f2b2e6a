// What a file system still has room for.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The place for a directory that may not be there yet.
public struct FileSystemSpace: Sendable, Equatable {
    /// The directory itself, or the nearest one above it that is there.
    public var existing: String
    /// The bytes that an ordinary user may still write there.
    public var freeBytes: Int
    /// Whether this process may make files there.
    public var isWritable: Bool

    /// Looks where a directory is, or would be made.
    ///
    /// - Returns: `nil` if nothing above it can be looked at.
    public init?(for path: String) {
        var place = path.isEmpty ? "." : path
        var status = stat()
        while stat(place, &status) != 0 {
            guard errno == ENOENT, place != ".", place != "/" else { return nil }
            while place.hasSuffix("/"), place != "/" { place.removeLast() }
            guard let slash = place.lastIndex(of: "/") else {
                place = "."
                continue
            }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        var space = statvfs()
        guard statvfs(place, &space) == 0 else { return nil }
        existing = place
        // Some file systems say that they have no blocks at all rather than how many are free.
        let (bytes, overflows) = Int(clamping: space.f_bavail).multipliedReportingOverflow(by: Int(space.f_frsize))
        freeBytes = space.f_blocks == 0 || overflows ? .max : bytes
        isWritable = access(place, W_OK | X_OK) == 0
    }
}
