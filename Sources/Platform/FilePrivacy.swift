// Who may read what a program of ours writes.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Who may read what this process writes: its owner alone, unless the user wants to share it.
public enum FilePrivacy {
    private static let usersMask = Atomic<UInt32>(0o022)

    /// From now on files and folders are made for their owner alone, in child processes too.
    public static func begin() { usersMask.store(UInt32(umask(0o077)), ordering: .relaxed) }

    /// From now on the user's own mask counts again.
    public static func share() { umask(mode_t(usersMask.load(ordering: .relaxed))) }

    /// Closes a run's directory that is there already to other users.
    ///
    /// A directory that holds something else than a run is left as it is: the files that a run puts there are closed in
    /// any case.
    ///
    /// - Returns: What is to be told to the user, in one line; `nil` if all is well.
    public static func close(runDirectory path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        let shown = ForeignText.shown(path)
        guard status.st_uid == geteuid() else {
            return
                "\(shown): the directory belongs to another user (uid \(status.st_uid)), who can read and change the "
                + "run there"
        }
        let isOpen = status.st_mode & (S_IRWXG | S_IRWXO) != 0
        guard isOpen else { return nil }
        guard isRunDirectory(path) else {
            let isWritable = status.st_mode & (S_IWGRP | S_IWOTH) != 0
            return isWritable
                ? "\(shown): other users can put files into this directory, and take some away: 'chmod go-w \(shown)'"
                : nil
        }
        guard chmod(path, status.st_mode & 0o700) != 0 else { return nil }
        return "\(shown): cannot be closed to other users: \(String(cString: strerror(errno)))"
    }

    /// Whether a directory holds a run, or nothing.
    private static func isRunDirectory(_ path: String) -> Bool {
        if access("\(path)/run.json", F_OK) == 0 || access("\(path)/server.lock", F_OK) == 0 { return true }
        guard let listing = opendir(path) else { return false }
        defer { closedir(listing) }
        var count = 0
        while readdir(listing) != nil { count += 1 }
        // Itself and its parent.
        return count <= 2
    }
}
