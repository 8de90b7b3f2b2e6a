// Context: ZeroMQ's home in the process: its I/O threads, the registry of inproc names, and an ending that cannot hang.

import CZeroMQ
import Dispatch
import Platform
import Synchronization

/// The home of all sockets of a process.
///
///     let context = try Context()
///     let socket = try Socket(.dealer, in: context)
///     …
///     context.shutDown()      // from any thread: every wait in every socket ends with `.terminated`
///
/// A process makes one context and shares it between its threads; sockets keep it alive.
///
/// **Ending.** A context ends when it and all its sockets are gone, or by `terminate(withinMilliseconds:)`. Neither
/// can hang:
/// - when the last reference goes nobody waits: what is left to do is done in the background. No socket can be open
///   then, because sockets keep their context alive;
/// - `terminate` waits for closed sockets to hand over their last messages, but no longer than it is told;
/// - linger is how long a closed socket tries to hand over unsent messages. It is 0 unless set, and at most
///   `SocketOptions.lingerMillisecondsMax` (10 s); an endless one cannot be expressed;
/// - at exit of the process nothing is waited for at all.
///
/// So a process that wants its last messages delivered gives its sockets a linger, closes them, and calls
/// `terminate(withinMilliseconds:)`.
public final class Context: Sendable {
    private struct State: ~Copyable {
        /// The library's context; `nil` once termination has begun.
        var pointer: UnsafeMutableRawPointer?
        /// How many inproc names were given out.
        var nameCount = 0
    }

    private let state: Mutex<State>
    /// Makes the sockets in a simulation.
    nonisolated(unsafe) let simulated: (any SimulatedMessaging)?

    /// Makes a context.
    ///
    /// - Parameters:
    ///   - ioThreads: Threads that move bytes to and from the network; one moves several gigabytes a second.
    ///   - socketCountMax: The most sockets open at once; each takes a file descriptor, a monitor counts as two
    ///   sockets.
    /// - Throws: `.tooManySockets` when the process has no file descriptors left; `.invalidOption` for impossible
    /// counts.
    public init(ioThreads: Int = 1, socketCountMax: Int = 4096) throws(MessagingError) {
        if let process = StandIn.current as? any SimulatedMessaging {
            simulated = process
            state = Mutex(State(pointer: nil))
            return
        }
        simulated = nil
        guard let pointer = zmq_ctx_new() else { throw LibraryError.last.typed(.creatingContext) }
        var refused: String?
        if zmq_ctx_set(pointer, ZMQ_IO_THREADS, CInt(clamping: ioThreads)) != 0 || ioThreads < 1 {
            refused = "ioThreads"
        }
        if zmq_ctx_set(pointer, ZMQ_MAX_SOCKETS, CInt(clamping: socketCountMax)) != 0 || socketCountMax < 1 {
            refused = "socketCountMax"
        }
        if let refused {
            zmq_ctx_term(pointer)
            throw .invalidOption(refused)
        }
        // `ZMQ_BLOCKY` 0 makes 0 the linger of sockets that the library makes for itself, too.
        zmq_ctx_set(pointer, ZMQ_BLOCKY, 0)
        state = Mutex(State(pointer: pointer))
    }

    deinit {
        // Nobody waits here: the last reference may go in a release callback on the library's own I/O thread, which
        // would then wait for itself.
        if let pointer = takePointer() { Context.terminateInBackground(pointer) {} }
    }

    /// Ends every wait in every socket of the context: their calls throw `.terminated`, and they can only be closed.
    ///
    /// Returns at once; may be called from any thread, any number of times.
    public func shutDown() {
        state.withLock { state in
            if let pointer = state.pointer { zmq_ctx_shutdown(pointer) }
        }
    }

    /// Shuts the context down and waits until all sockets are closed and have handed over what they linger for.
    ///
    /// - Parameter withinMilliseconds: The longest time to wait.
    /// - Returns: Whether everything was closed and handed over in time. When not, the rest is freed in the background
    ///   once its owners close it; nobody waits for it any more.
    @discardableResult
    public func terminate(withinMilliseconds milliseconds: Int) -> Bool {
        guard let pointer = takePointer() else { return true }
        let finished = DispatchSemaphore(value: 0)
        Context.terminateInBackground(pointer) { finished.signal() }
        return finished.wait(timeout: .now() + .milliseconds(max(0, milliseconds))) == .success
    }

    /// Takes the library's context away: from here on no new socket can be opened.
    private func takePointer() -> UnsafeMutableRawPointer? {
        state.withLock { state in
            defer { state.pointer = nil }
            return state.pointer
        }
    }

    /// Runs the library's blocking call on a thread of its own, so that a socket that stays open costs its caller a
    /// bounded wait only.
    private static func terminateInBackground(
        _ pointer: UnsafeMutableRawPointer, whenDone: @escaping @Sendable () -> Void
    ) {
        nonisolated(unsafe) let context = pointer
        DispatchQueue(label: "rondo.messaging.termination").async {
            _ = retryOnInterrupt { zmq_ctx_term(context) }
            whenDone()
        }
    }

    /// Opens a socket of the library.
    func openSocket(_ kind: SocketKind) throws(MessagingError) -> UnsafeMutableRawPointer {
        // The lock keeps termination from freeing the context between the check and the call.
        try state.withLock { (state) throws(MessagingError) in
            guard let pointer = state.pointer else { throw .terminated }
            nonisolated(unsafe) let socket = zmq_socket(pointer, kind.code)
            guard let socket else { throw LibraryError.last.typed(.creatingSocket) }
            return socket
        }
    }

    /// A new name for a connection inside the process.
    func uniqueInprocEndpoint(for purpose: String) -> Endpoint {
        state.withLock { state in
            state.nameCount += 1
            return Endpoint("inproc://rondo-\(purpose)-\(state.nameCount)")
        }
    }
}
