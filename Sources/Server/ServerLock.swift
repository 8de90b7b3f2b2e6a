// Who may write into a run's directory: one server at a time.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The lock `server.lock` of a run's directory, held by the living server, with its process id and machine.
///
/// The system lets go of it when the holder dies, however it dies. On a file system without locks, the process id in
/// the file has to do: a server of this machine that is still running keeps others out.
package struct ServerLock: ~Copyable {
    /// The file's name.
    package static let fileName = "server.lock"

    private let path: String
    private let descriptor: Int32
    /// Whether the file system knows locks.
    let isKnown: Bool

    /// Why there is no lock.
    package enum Refusal: Error {
        /// Another server holds it; with its process id, if that is known.
        case held(by: Int?)
        /// The file cannot be opened: `errno`.
        case system(Int32)
    }

    /// Takes the lock, and makes its file if there is none.
    package init(directory: String) throws(Refusal) {
        let path = "\(directory)/\(Self.fileName)"
        var taken: (descriptor: Int32, isKnown: Bool)
        // A server that was refused its start may remove the file in between.
        while true {
            taken = try Self.open(path)
            if Self.isSame(taken.descriptor, path) { break }
            close(taken.descriptor)
        }
        Self.sign(taken.descriptor)
        self.path = path
        (descriptor, isKnown) = taken
    }

    /// - Returns: An open lock, and whether the file system knows locks.
    private static func open(_ path: String) throws(Refusal) -> (descriptor: Int32, isKnown: Bool) {
        let descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(errno) }
        let holder = holder(descriptor)
        switch take(descriptor, LOCK_EX) {
        case .free: return (descriptor, true)
        case .unknown where holder?.isAlive != true: return (descriptor, false)
        case .held, .unknown:
            close(descriptor)
            throw .held(by: holder?.process)
        }
    }

    deinit {
        if !isKnown { ftruncate(descriptor, 0) }
        close(descriptor)
    }

    /// Removes the file of a lock that is held: for a start that leaves nothing behind.
    func removeFile() { unlink(path) }

    /// The process id of the server that is running in a directory; `nil` if none is, or if it is not known.
    package static func holder(in directory: String) -> Int? {
        let descriptor = openFile("\(directory)/\(fileName)", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let holder = holder(descriptor)
        switch take(descriptor, LOCK_SH) {
        case .held: return holder?.process
        case .free: return nil
        case .unknown: return holder.flatMap { $0.isAlive ? $0.process : nil }
        }
    }

    private enum Outcome { case free, held, unknown }

    private static func take(_ descriptor: Int32, _ kind: Int32) -> Outcome {
        while flock(descriptor, kind | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return .held }
            if errno != EINTR { return .unknown }
        }
        return .free
    }

    private static func isSame(_ descriptor: Int32, _ path: String) -> Bool {
        var (ours, named) = (stat(), stat())
        return fstat(descriptor, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino
            && ours.st_dev == named.st_dev
    }

    private struct Holder {
        var process: Int
        var host: String

        /// Whether it runs, as far as this machine can tell.
        var isAlive: Bool {
            process != Int(getpid()) && (host.isEmpty || host == ServerLock.host)
                && (kill(pid_t(clamping: process), 0) == 0 || errno == EPERM)
        }
    }

    /// What the holder of the lock has written into it.
    private static func holder(_ descriptor: Int32) -> Holder? {
        var text = [UInt8](repeating: 0, count: 300)
        let count = pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return nil }
        let words = String(decoding: text.prefix(count), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard let process = words.first.flatMap({ Int($0) }), process > 0 else { return nil }
        return Holder(process: process, host: words.count > 1 ? String(words[1]) : "")
    }

    /// Says who holds the lock. What fails here costs no more than a number in a message.
    private static func sign(_ descriptor: Int32) {
        let text = Array("\(getpid()) \(host)\n".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

private func openFile(_ path: String, _ flags: Int32) -> Int32 { open(path, flags, 0o644) }
