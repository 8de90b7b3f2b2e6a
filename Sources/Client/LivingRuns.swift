// The runs that this user is training on this machine.

import Messaging
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A private folder with a file for each living run of this user on this machine, so that clients find a run by its
/// endpoint alone, or by nothing at all.
///
/// A file names the run's directory, and is locked for as long as the run's supervisor lives. One that nobody holds is
/// of a run that was killed: whoever meets it removes it.
public enum LivingRuns {
    /// A run that lives.
    public struct Run: Sendable, Equatable {
        /// Its directory, absolute.
        public var directory: String
        /// How it is reached.
        public var access: RunAccess
    }

    /// The runs that live, in the order of their directories.
    public static func all() -> [Run] {
        guard let folder = folder(makes: false), let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var runs: [Run] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            // A home may be shared between machines; their runs are not to be reached from here.
            guard name.hasPrefix(namePrefix), let directory = livingDirectory("\(folder)/\(name)"),
                let access = try? RunAccess.read(inDirectory: directory)
            else { continue }
            runs.append(Run(directory: directory, access: access))
        }
        return runs.sorted { $0.directory < $1.directory }
    }

    /// The run whose server listens at an endpoint.
    public static func run(at endpoint: Endpoint) -> Run? {
        all().first { run in
            let theirs = run.access.endpoint
            return theirs == endpoint || theirs.isLoopback && endpoint.isLoopback && theirs.port == endpoint.port
        }
    }

    /// A run's place in the list. It is given up with this object, and when the process ends in any way.
    public final class Entry {
        private let path: String
        private let descriptor: Int32

        /// Puts a run into the list; `nil` if there is no place for a private list: the run is reached by its directory
        /// all the same.
        public init?(directory: String) {
            guard let folder = LivingRuns.folder(makes: true) else { return nil }
            let path = "\(folder)/\(namePrefix)\(getpid())"
            let draft = "\(folder)/.\(namePrefix)\(getpid())"
            unlink(draft)
            let descriptor = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { return nil }
            let line = Array((absolute(directory) + "\n").utf8)
            // Locked and whole before anybody sees it.
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, write(descriptor, line, line.count) == line.count,
                rename(draft, path) == 0
            else {
                unlink(draft)
                close(descriptor)
                return nil
            }
            (self.path, self.descriptor) = (path, descriptor)
        }

        deinit {
            unlink(path)
            close(descriptor)
        }
    }

    // MARK: - Files

    private static var namePrefix: String { "\(CurrentProcess.hostName)-" }
    private static let pathBytesMax = 4096

    /// The directory of a run that lives; `nil`, and the file is removed, if nobody holds it.
    private static func livingDirectory(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else {
            unlink(path)
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: pathBytesMax + 1)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 1, bytes[count - 1] == 0x0A else { return nil }
        return String(decoding: bytes[..<(count - 1)], as: UTF8.self)
    }

    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The first place that is there, or can be made, and is this user's alone.
    private static func folder(makes: Bool) -> String? {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        var places: [[String]] = []
        if let folder = variable("XDG_RUNTIME_DIR") { places.append([folder, "rondo"]) }
        if let folder = variable("XDG_STATE_HOME") { places.append([folder, "rondo", "runs"]) }
        if let home = variable("HOME") { places.append([home, ".local", "state", "rondo", "runs"]) }
        places.append(["/tmp", "rondo-\(geteuid())"])
        for place in places {
            var path = place[0]
            if makes {
                for part in place.dropFirst() {
                    path += "/" + part
                    mkdir(path, 0o700)
                }
            } else {
                path = place.joined(separator: "/")
            }
            var status = stat()
            let isOurs =
                lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
                && status.st_mode & (S_IRWXG | S_IRWXO) == 0
            if isOurs, access(path, R_OK | W_OK | X_OK) == 0 { return path }
        }
        return nil
    }
}
