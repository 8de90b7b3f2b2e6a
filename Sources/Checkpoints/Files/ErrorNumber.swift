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

    /// The system's own words for the code.
    static func text(_ code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "unknown error"
    }
}
