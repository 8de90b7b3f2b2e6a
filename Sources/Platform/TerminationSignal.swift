// Requests to end, as a flag that loops look at.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The signals that ask a process to end, noted instead of obeyed: SIGINT, SIGTERM and SIGQUIT; SIGHUP, which a closed
/// terminal sends (not where it was ignored before, as `nohup` does); and SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM and
/// SIGVTALRM, with which batch systems and timers say that a job's time is nearly over.
///
/// A handler may do next to nothing; this one stores the signal's number. Whoever waits does so in short pieces and
/// looks here in between.
public enum TerminationSignal {
    /// All that are noted.
    public static let all = [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM]

    private static let number = Atomic<Int32>(0)
    private static let repeats = Atomic<Int>(0)
    /// When SIGINT, SIGTERM and SIGQUIT last came, in nanoseconds.
    private static let interruptedAt = Atomic<UInt64>(0)
    private static let terminatedAt = Atomic<UInt64>(0)
    private static let quitAt = Atomic<UInt64>(0)
    /// The same signal so soon after is an echo: a terminal and a wrapper both send Ctrl-C on.
    private static let echoNanoseconds: UInt64 = 200_000_000

    /// Notes the signals from now on. SIGPIPE and SIGXFSZ are ignored: a closed pipe and a file that is too large are
    /// errors of the write.
    public static func install() {
        // Made before a handler may touch them.
        _ = (number.load(ordering: .relaxed), repeats.load(ordering: .relaxed))
        _ = interruptedAt.load(ordering: .relaxed) + terminatedAt.load(ordering: .relaxed)
        _ = quitAt.load(ordering: .relaxed)
        var noted = sigset_t()
        sigemptyset(&noted)
        for termination in all {
            let before = signal(termination) { TerminationSignal.note($0) }
            if termination == SIGHUP, isIgnored(before) {
                signal(termination, SIG_IGN)
            } else {
                sigaddset(&noted, termination)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        // Inherited as ignored, it would let children vanish without their exit codes.
        signal(SIGCHLD, SIG_DFL)
        // A parent may have started us from a thread that blocks signals; masks are inherited.
        pthread_sigmask(SIG_UNBLOCK, &noted, nil)
    }

    private static func isIgnored(_ handler: sighandler_t?) -> Bool {
        unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    private static func note(_ received: Int32) {
        number.store(received, ordering: .sequentiallyConsistent)
        switch received {
        case SIGINT: noteRepeat(interruptedAt)
        case SIGTERM: noteRepeat(terminatedAt)
        case SIGQUIT: noteRepeat(quitAt)
        default: break
        }
    }

    private static func noteRepeat(_ time: borrowing Atomic<UInt64>) {
        var clock = timespec()
        clock_gettime(CLOCK_MONOTONIC, &clock)
        let now = UInt64(clock.tv_sec) * 1_000_000_000 + UInt64(clock.tv_nsec)
        let before = time.exchange(now, ordering: .sequentiallyConsistent)
        if before != 0, now - before > echoNanoseconds { repeats.add(1, ordering: .sequentiallyConsistent) }
    }

    /// The last signal that came; `nil` if none did.
    public static var received: Int32? {
        if let machine = StandIn.current { return machine.terminationRequests > 0 ? SIGTERM : nil }
        let value = number.load(ordering: .sequentiallyConsistent)
        return value == 0 ? nil : value
    }

    /// How often SIGINT, SIGTERM or SIGQUIT came that had come before: then the user will not wait. Different ones do
    /// not count: a service manager sends SIGHUP behind SIGTERM, and a batch system SIGTERM a while after its warning.
    public static var repeatCount: Int {
        if let machine = StandIn.current { return max(0, machine.terminationRequests - 1) }
        return repeats.load(ordering: .sequentiallyConsistent)
    }

    /// Behaves as if SIGTERM had come.
    public static func request() { note(SIGTERM) }
}

/// Ends a child when its parent has gone, however the parent ended.
///
/// The parent gives the child the reading end of a pipe as standard input and never writes; the system closes the pipe
/// with the parent. A thread of its own waits for that.
public enum ParentWatch {
    /// Starts to watch standard input; at its end the process behaves as if SIGTERM had come.
    public static func start() {
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { _ in
                var byte: UInt8 = 0
                while true {
                    let count = read(STDIN_FILENO, &byte, 1)
                    if count == 0 || (count == -1 && errno != EINTR) { break }
                }
                TerminationSignal.request()
                return nil
            }, nil)
        pthread_detach(thread)
    }
}
