// A child process that cannot outlive its parent.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How a child ended.
public enum ChildEnd: Sendable, Equatable, CustomStringConvertible {
    /// By itself, with this code.
    case exited(code: Int)
    /// By a signal.
    case killed(signal: Int)

    /// "exit code 1", "signal 11 (Segmentation fault)"
    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        // Nobody's own words follow a SIGKILL.
        case .killed(Int(SIGKILL)): "signal 9 (killed by hand, or by the system for want of memory)"
        case .killed(let signal): "signal \(signal) (\(String(cString: strsignal(Int32(signal)))))"
        }
    }
}

/// Why a child could not be started.
public struct ChildProcessError: Error, CustomStringConvertible {
    /// One line for the user.
    public let description: String
}

/// A running child. Its standard input is a pipe that closes when this process ends, so that a child which watches it
/// (``ParentWatch``) ends too, even when the parent is killed with SIGKILL.
public struct ChildProcess: ~Copyable {
    /// The child's process number.
    public let identifier: Int
    private let lifeline: Int32
    private var end: ChildEnd?

    /// The number of the first descriptor that a child inherits; the others follow.
    public static let inheritedDescriptorFirst: Int32 = 3

    /// Starts `executable` (a path); standard output and standard error are appended to the file `log`.
    ///
    /// - Parameter inherited: descriptors that the child gets as 3, 4, and so on; it gets no others of this process.
    /// - Throws: `ChildProcessError` if the log cannot be opened or the program cannot be started.
    public init(
        executable: String, arguments: [String], inheriting inherited: [Int32] = [], log: String
    ) throws(ChildProcessError) {
        var ends: [Int32] = [0, 0]
        guard Self.makePipe(&ends) else {
            throw ChildProcessError(description: "no pipe for a child process: \(String(cString: strerror(errno)))")
        }
        // Copies above the numbers that the child will see: none is overwritten before it has been handed over.
        let lowest = Self.inheritedDescriptorFirst + Int32(inherited.count)
        let copies = inherited.map { fcntl($0, F_DUPFD_CLOEXEC, lowest) }
        defer { for copy in copies where copy >= 0 { close(copy) } }
        guard copies.allSatisfy({ $0 >= 0 }) else {
            let reason = String(cString: strerror(errno))
            for end in ends { close(end) }
            throw ChildProcessError(description: "no descriptor for a child process: \(reason)")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        for (index, copy) in copies.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, copy, Self.inheritedDescriptorFirst + Int32(index))
        }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o666)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // The child gets a process group of its own: Ctrl-C reaches the supervisor alone, which ends children in order.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        posix_spawnattr_setpgroup(&attributes, 0)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        // SIGHUP stays ignored if it is: nohup holds for children too.
        for number in TerminationSignal.all + [SIGPIPE, SIGXFSZ] where number != SIGHUP { sigaddset(&defaults, number) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        words.append(nil)
        defer {
            for word in words { free(word) }
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
            close(ends[0])
        }
        var process = pid_t()
        var failure = posix_spawn(&process, executable, &actions, &attributes, words, environ)
        // Somebody who is writing the file, or was a moment ago, has it open: a program that is being installed.
        for _ in 0..<20 where failure == ETXTBSY {
            MonotonicClock.sleep(seconds: 0.05)
            failure = posix_spawn(&process, executable, &actions, &attributes, words, environ)
        }
        guard failure == 0 else {
            close(ends[1])
            throw ChildProcessError(
                description: "cannot start \(executable): \(String(cString: strerror(failure)))")
        }
        identifier = Int(process)
        lifeline = ends[1]
    }

    deinit { close(lifeline) }

    /// A pipe that other children do not inherit.
    private static func makePipe(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    /// How it ended; `nil` while it runs. Never waits.
    public mutating func poll() -> ChildEnd? {
        if let end { return end }
        var status: Int32 = 0
        let collected = waitpid(pid_t(identifier), &status, WNOHANG)
        if collected == -1 && errno == ECHILD { end = .exited(code: 70) }  // somebody else collected it
        guard collected == pid_t(identifier) else { return end }
        let signal = status & 0x7f
        end = signal == 0 ? .exited(code: Int((status >> 8) & 0xff)) : .killed(signal: Int(signal))
        return end
    }

    /// Waits for the end, no longer than `seconds`.
    public mutating func wait(seconds: Double) -> ChildEnd? {
        let deadline = MonotonicClock.seconds + seconds
        while poll() == nil && MonotonicClock.seconds < deadline { MonotonicClock.sleep(seconds: 0.01) }
        return poll()
    }

    /// Asks it to end (SIGTERM).
    public mutating func terminate() { if poll() == nil { kill(pid_t(identifier), SIGTERM) } }

    /// Ends it (SIGKILL) and collects it.
    public mutating func destroy() {
        if poll() == nil { kill(pid_t(identifier), SIGKILL) }
        _ = wait(seconds: 5)
    }
}
