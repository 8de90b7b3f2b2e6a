// Every system call of the module that changes the disk.
//
// Each one is announced to an interception first. Outside tests there is none; a test fails the n-th call with an
// error number, cuts a write short, or stops the world there as a kill would.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A call that is about to change the disk.
package enum FileSystemStep: Equatable, Sendable {
    case createFolder(String)
    case createFile(String)
    case write(String, byteCount: Int)
    case syncFile(String)
    case syncFolder(String)
    case rename(String, to: String)
    case link(String, to: String)
    case removeFile(String)
    case removeFolder(String)
}

/// What becomes of the call.
package enum FileSystemVerdict: Sendable {
    case proceed
    /// The call does nothing and fails with this error number.
    case fail(Int32)
    /// A write writes so many bytes, then fails with this error number.
    case writePart(Int, Int32)
    /// The call does nothing and succeeds: the simulation has done it, or no real disk needs to.
    case skip
}

/// A simulated process with a disk.
package protocol SimulatedDisk: SimulatedProcess {
    /// What becomes of a call that is about to change the disk.
    func verdict(of step: FileSystemStep) -> FileSystemVerdict
}

/// The disk as the module changes it.
package struct FileSystem: Sendable {
    /// The disk of this machine, or of the simulated one.
    package static var real: FileSystem {
        guard let found = StandIn.current as? any SimulatedDisk else { return FileSystem() }
        // All threads of a simulated process are one thread of ours.
        nonisolated(unsafe) let process = found
        return FileSystem { process.verdict(of: $0) }
    }
    var intercept: (@Sendable (FileSystemStep) -> FileSystemVerdict)?

    package init(intercept: (@Sendable (FileSystemStep) -> FileSystemVerdict)? = nil) {
        self.intercept = intercept
    }

    /// - Returns: Whether the call is to be made.
    private func permit(_ step: FileSystemStep, _ path: String, _ action: String) throws(CheckpointError) -> Bool {
        switch intercept?(step) ?? .proceed {
        case .proceed: return true
        case .skip: return false
        case .fail(let code), .writePart(_, let code): throw CheckpointError(code: code, path: path, action: action)
        }
    }

    private func check(_ result: Int32, _ path: String, _ action: String) throws(CheckpointError) {
        guard result == 0 else { throw CheckpointError(code: errno, path: path, action: action) }
    }

    /// Creates one folder; false when something of this name exists.
    func createFolder(_ path: String) throws(CheckpointError) -> Bool {
        guard try permit(.createFolder(path), path, "create the directory") else { return true }
        if mkdir(path, 0o777) == 0 { return true }
        guard errno == EEXIST else { throw CheckpointError(code: errno, path: path, action: "create the directory") }
        return false
    }

    /// Creates a folder and those above it that are missing; each is on disk when this returns.
    func createFolders(_ path: String) throws(CheckpointError) {
        if Paths.isFolder(path) { return }
        let (parent, _) = Paths.split(path)
        guard parent != path else { throw .notFound(path: path) }
        try createFolders(parent)
        if try createFolder(path) {
            try syncFolder(parent)
        } else if !Paths.isFolder(path) {
            throw .notADirectory(path: path)
        }
    }

    /// Creates a file that must not exist, for writing.
    func createFile(_ path: String) throws(CheckpointError) -> Int32 {
        _ = try permit(.createFile(path), path, "create the file")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw CheckpointError(code: errno, path: path, action: "create the file") }
        return descriptor
    }

    /// Opens a file to append to, and creates it if there is none.
    ///
    /// - Throws: `CheckpointError` if that cannot be.
    package func openForAppending(_ path: String) throws(CheckpointError) -> Int32 {
        if access(path, F_OK) != 0 { _ = try permit(.createFile(path), path, "create the file") }
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CheckpointError(code: errno, path: path, action: "open") }
        return descriptor
    }

    /// Writes all bytes, in as many calls as it takes.
    func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(CheckpointError) {
        let (_, failure) = writeWhatFits(bytes, to: descriptor, path: path)
        if let failure { throw failure }
    }

    /// Writes bytes until all are written or one call fails.
    ///
    /// - Returns: How many were written, and why not more.
    package func writeWhatFits(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) -> (count: Int, failure: CheckpointError?) {
        var rest = bytes[...]
        var failure: Int32?
        switch intercept?(.write(path, byteCount: bytes.count)) ?? .proceed {
        case .proceed, .skip: break
        case .fail(let code): (rest, failure) = (rest.prefix(0), code)
        case .writePart(let count, let code): (rest, failure) = (rest.prefix(count), code)
        }
        let start = rest.startIndex
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
            let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
            #elseif canImport(Musl)
            let written = Musl.write(descriptor, piece.baseAddress, piece.count)
            #elseif canImport(Darwin)
            let written = Darwin.write(descriptor, piece.baseAddress, piece.count)
            #endif
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                failure = written < 0 ? errno : ENOSPC
                break
            }
            rest = rest.dropFirst(written)
        }
        return (
            rest.startIndex - start, failure.map { CheckpointError(code: $0, path: path, action: "write") }
        )
    }

    /// Waits until the file's bytes are on the disk. File systems that know no such call are left in peace.
    package func syncFile(_ descriptor: Int32, path: String) throws(CheckpointError) {
        do throws(CheckpointError) {
            guard try permit(.syncFile(path), path, "sync") else { return }
            try LongWork.run { () throws(CheckpointError) in
                while fsync(descriptor) != 0 {
                    guard errno == EINTR else { throw CheckpointError(code: errno, path: path, action: "sync") }
                }
            }
        } catch {
            guard error.isUnsupported else { throw error }
        }
    }

    /// Waits until the folder's entries are on the disk. File systems that cannot sync a folder are left in peace.
    package func syncFolder(_ path: String) throws(CheckpointError) {
        let action = "sync the directory"
        do throws(CheckpointError) {
            guard try permit(.syncFolder(path), path, action) else { return }
            try LongWork.run { () throws(CheckpointError) in
                let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                guard descriptor >= 0 else { throw CheckpointError(code: errno, path: path, action: action) }
                defer { close(descriptor) }
                while fsync(descriptor) != 0 {
                    guard errno == EINTR else { throw CheckpointError(code: errno, path: path, action: action) }
                }
            }
        } catch {
            guard error.isUnsupported else { throw error }
        }
    }

    /// Renames; atomic. A file or link of the new name is replaced, and so is an empty folder by a folder.
    func rename(_ path: String, to newPath: String) throws(CheckpointError) {
        guard try permit(.rename(path, to: newPath), newPath, "rename into place") else { return }
        #if canImport(Glibc)
        try check(Glibc.rename(path, newPath), newPath, "rename into place")
        #elseif canImport(Musl)
        try check(Musl.rename(path, newPath), newPath, "rename into place")
        #elseif canImport(Darwin)
        try check(Darwin.rename(path, newPath), newPath, "rename into place")
        #endif
    }

    /// Puts a file or link into the place of another, or of none: at once where the file system renames over what is
    /// there, and else with the old one moved aside for a moment, from where `PartialFolder.cleanUp` puts it back.
    func replace(_ place: String, with path: String) throws(CheckpointError) {
        do {
            return try rename(path, to: place)
        } catch {
            let (parent, name) = Paths.split(place)
            guard error.isOfRenaming, let kind = Paths.kind(place), kind != .folder else { throw error }
            let aside = HiddenName.free(base: name, role: .replaced, in: parent)
            try rename(place, to: aside)
            do {
                try rename(path, to: place)
            } catch {
                try? rename(aside, to: place)
                throw error
            }
            try? removeFile(aside)
        }
    }

    /// Makes a symbolic link at `path`.
    func link(_ path: String, to target: String) throws(CheckpointError) {
        guard try permit(.link(path, to: target), path, "make the link") else { return }
        try check(symlink(target, path), path, "make the link")
    }

    /// Removes a file or link; does nothing when there is none.
    package func removeFile(_ path: String) throws(CheckpointError) {
        guard try permit(.removeFile(path), path, "remove") else { return }
        if unlink(path) != 0 && errno != ENOENT { throw CheckpointError(code: errno, path: path, action: "remove") }
    }

    /// Removes a file, or a folder with all that is in it; does not follow links, and ends at 16 levels.
    func removeTree(_ path: String, depth: Int = 0) throws(CheckpointError) {
        guard Paths.kind(path) == .folder, depth < 16 else { return try removeFile(path) }
        for name in try Paths.entries(path) { try removeTree(Paths.join(path, name), depth: depth + 1) }
        try removeFolder(path)
    }

    /// Removes an empty folder; does nothing when there is none.
    func removeFolder(_ path: String) throws(CheckpointError) {
        guard try permit(.removeFolder(path), path, "remove the directory") else { return }
        if rmdir(path) != 0 && errno != ENOENT {
            throw CheckpointError(code: errno, path: path, action: "remove the directory")
        }
    }
}

extension CheckpointError {
    /// Whether this is what a file system says that has no such call.
    var isUnsupported: Bool {
        if case .system(_, _, let code) = self { ErrorNumber.isUnsupported(code) } else { false }
    }

    /// Whether this is what file systems say that do not rename over what is there.
    fileprivate var isOfRenaming: Bool {
        switch self {
        case .notPermitted: true
        case .system(_, _, let code): code == ErrorNumber.exists || ErrorNumber.isUnsupported(code)
        default: false
        }
    }
}
