// Who may have read or written a file of keys.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a file of keys holds, and so whom it must be closed to.
enum KeyFileContent {
    /// A secret key: only its owner may read it.
    case secret
    /// Public keys: others may read them, and only their owner may write.
    case list

    /// Refuses a file that others could have read or written, with the command that mends it.
    ///
    /// - Throws: `ProgramFailure`, of a mistake of use.
    func requireSafe(_ descriptor: Int32, _ path: String) throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        let shown = ForeignText.shown(path)
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw ProgramFailure(
                .usage,
                "\(shown): belongs to another user (uid \(status.st_uid)), who can change it: copy it, or "
                    + "'chown \(geteuid()) \(shown)'")
        }
        let isReadable = status.st_mode & (S_IRGRP | S_IROTH) != 0
        let isWritable = status.st_mode & (S_IWGRP | S_IWOTH) != 0
        switch self {
        case .secret where isReadable || isWritable:
            throw ProgramFailure(
                .usage,
                "\(shown): a secret key that other users can \(isReadable ? "read" : "write"): 'chmod 600 \(shown)', "
                    + "and make a new pair if somebody may have used that")
        case .list where isWritable:
            throw ProgramFailure(
                .usage,
                "\(shown): keys that other users can write, and so let themselves in: 'chmod go-w \(shown)', and look "
                    + "through the list")
        default: break
        }
    }
}
