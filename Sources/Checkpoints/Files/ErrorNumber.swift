// The `errno` values that the module tells apart.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

enum ErrorNumber {
    static let noSpace = ENOSPC
    static let quota = EDQUOT
    static let access = EACCES
    static let permission = EPERM
    static let readOnly = EROFS
    static let noEntry = ENOENT
    static let notDirectory = ENOTDIR
    static let exists = EEXIST

    /// Whether a file system says so of a call that it has no use for: a sync of a folder, a link, a lock. (EINVAL is
    /// what Linux says of a sync that the file system does not know; EROFS and EPROTO are VirtualBox's words on links.)
    static func isUnsupported(_ code: Int32) -> Bool {
        [ENOSYS, ENOTSUP, EOPNOTSUPP, EINVAL, ENOTTY, EPROTO].contains(code)
    }

    /// The system's own words for the code.
    static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "unknown error"
    }
}
