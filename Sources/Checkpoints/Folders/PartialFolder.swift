// The hidden folder in which a checkpoint is written, locked as long as its writer lives.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A folder `.NAME.partial-PID` beside the place of a new checkpoint.
///
/// Its writer holds a lock on it, which the system releases when the writer dies, however it dies. That tells an
/// abandoned folder from one in use even when process identifiers repeat, as in containers, where every server is
/// process 1.
struct PartialFolder: ~Copyable {
    let path: String
    private var lock: Int32

    init(for name: String, in parent: String, fileSystem: FileSystem) throws(CheckpointError) {
        while true {
            let path = HiddenName.free(base: name, role: .partial, in: parent)
            guard try fileSystem.createFolder(path) else { continue }
            let lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard lock >= 0 else {
                // Taken for abandoned by another process between the two calls.
                if errno == ENOENT { continue }
                let error = CheckpointError(code: errno, path: path, action: "open the directory")
                try? fileSystem.removeFolder(path)
                throw error
            }
            // Where the file system knows no locks, process identifiers have to do.
            while flock(lock, LOCK_EX) != 0 && errno == EINTR {}
            var status = stat()
            if fstat(lock, &status) == 0, status.st_nlink > 0 {
                self.path = path
                self.lock = lock
                return
            }
            close(lock)
        }
    }

    deinit { if lock >= 0 { close(lock) } }

    /// Removes the folder with the files in it. Takes no descriptor: there may be none left, for which reason the
    /// checkpoint failed.
    mutating func remove(_ fileSystem: FileSystem) {
        let names = Paths.entries(closing: lock)
        lock = -1
        for name in names { try? fileSystem.removeFile(Paths.join(path, name)) }
        try? fileSystem.removeFolder(path)
    }

    /// Removes the hidden folders of dead writers beside `parent/base`, for every base that `isOurs` accepts, and puts
    /// back what a dead writer had moved aside.
    static func cleanUp(
        _ parent: String, fileSystem: FileSystem, isOurs: (String) -> Bool
    ) throws(CheckpointError) {
        for entry in try Paths.entries(parent) {
            guard let name = HiddenName(entry), isOurs(name.base) else { continue }
            let path = Paths.join(parent, entry)
            let place = Paths.join(parent, name.base)
            switch name.role {
            case .partial: try removeIfAbandoned(path, name, fileSystem)
            case .removed: try fileSystem.removeTree(path)
            case .replaced:
                if Paths.kind(place) == nil {
                    try fileSystem.rename(path, to: place)
                } else {
                    try fileSystem.removeTree(path)
                }
            }
        }
    }

    private static func removeIfAbandoned(
        _ path: String, _ name: HiddenName, _ fileSystem: FileSystem
    ) throws(CheckpointError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else {
            // A link or file, which cannot be locked. One of this process's own is of a former process of this number.
            if name.ownerIsGone || name.isOurs { try fileSystem.removeTree(path) }
            return
        }
        defer { close(folder) }
        let locked = flock(folder, LOCK_EX | LOCK_NB) == 0
        let isAbandoned = locked || (errno != EWOULDBLOCK && name.ownerIsGone)
        if isAbandoned { try fileSystem.removeTree(path) }
    }
}
