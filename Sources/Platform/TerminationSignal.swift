// Requests to end, as a flag that loops look at.

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The signals that ask a process to end (SIGINT, SIGTERM), noted instead of obeyed.
///
/// A handler may do next to nothing; this one stores the signal's number. Whoever waits does so in short pieces and
/// looks here in between.
public enum TerminationSignal {
    private static let number = Atomic<Int32>(0)
    private static let count = Atomic<Int>(0)

    /// Notes SIGINT and SIGTERM from now on, and ignores SIGPIPE (a closed pipe is an error of the write).
    public static func install() {
        _ = number.load(ordering: .relaxed)  // made before a handler may touch it
        _ = count.load(ordering: .relaxed)
        for termination in [SIGINT, SIGTERM] {
            signal(termination) { received in
                TerminationSignal.number.store(received, ordering: .sequentiallyConsistent)
                TerminationSignal.count.add(1, ordering: .sequentiallyConsistent)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        // Inherited as ignored, it would let children vanish without their exit codes.
        signal(SIGCHLD, SIG_DFL)
        // A parent may have started us from a thread that blocks signals; masks are inherited.
        var noted = sigset_t()
        sigemptyset(&noted)
        sigaddset(&noted, SIGINT)
        sigaddset(&noted, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &noted, nil)
    }

    /// The last signal that came; `nil` if none did.
    public static var received: Int32? {
        if let machine = StandIn.current { return machine.terminationRequests > 0 ? SIGTERM : nil }
        let value = number.load(ordering: .sequentiallyConsistent)
        return value == 0 ? nil : value
    }

    /// How many came: a second one means that the user will not wait.
    public static var receivedCount: Int {
        StandIn.current?.terminationRequests ?? count.load(ordering: .sequentiallyConsistent)
    }

    /// Behaves as if SIGTERM had come.
    public static func request() {
        number.store(SIGTERM, ordering: .sequentiallyConsistent)
        count.add(1, ordering: .sequentiallyConsistent)
    }
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
