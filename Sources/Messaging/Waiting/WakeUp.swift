// WakeUp: lets any thread end the wait of the thread that owns the sockets.

import CZeroMQ
import Synchronization

/// The calling end of a wake-up: any thread may use it, at any time, even after the receiving end has gone.
///
///     // on the thread that polls
///     let receiver = try WakeUpReceiver(in: context)
///     let wakeUp = receiver.wakeUp
///     // on any other
///     wakeUp.signal()
///
/// Not for use inside a signal handler: it takes a lock.
public final class WakeUp: Sendable {
    private struct State: Sendable {
        /// The sending socket; `nil` once the receiving end has gone. Guarded by the lock around this state.
        nonisolated(unsafe) var socket: UnsafeMutableRawPointer?
        /// Whether a signal was sent that the receiver has not yet cleared: more are not needed, so the queue stays
        /// short.
        var isSignalled = false
    }

    /// The lock makes use from several threads legal: ZeroMQ asks for no more than a full fence between them.
    private let state: Mutex<State>

    fileprivate init(_ socket: UnsafeMutableRawPointer) {
        state = Mutex(State(socket: socket))
    }

    /// Makes the receiver readable until it is cleared. Never waits; does nothing once the receiver has gone.
    public func signal() {
        state.withLock { state in
            guard let socket = state.socket, !state.isSignalled else { return }
            // Fails only when the context is shut down, and then the receiver's wait ends by itself.
            state.isSignalled = zmq_send(socket, nil, 0, ZMQ_DONTWAIT) == 0
        }
    }

    fileprivate func rearm() {
        state.withLock { $0.isSignalled = false }
    }

    fileprivate func close() {
        state.withLock { state in
            if let socket = state.socket { zmq_close(socket) }
            state.socket = nil
        }
    }
}

/// The receiving end of a wake-up; belongs to the thread that made it, and is added to that thread's `Poller`.
public struct WakeUpReceiver: ~Copyable {
    let socket: Socket

    /// The calling end, to be given to other threads.
    public let wakeUp: WakeUp

    /// Makes both ends.
    ///
    /// - Throws: `.tooManySockets`, `.terminated`.
    public init(in context: Context) throws(MessagingError) {
        let endpoint = context.uniqueInprocEndpoint(for: "wake-up")
        let socket = try Socket(.pair, in: context)
        try socket.bind(endpoint)
        let calling = try context.openSocket(.pair)
        guard zmq_connect(calling, endpoint.text) == 0 else {
            let error = LibraryError.last
            zmq_close(calling)
            throw error.typed(.connecting, at: endpoint)
        }
        wakeUp = WakeUp(calling)
        self.socket = socket
    }

    deinit {
        // Both ends go together, so that a calling end kept somewhere cannot delay the end of the context.
        wakeUp.close()
    }

    /// Takes the signal away, and tells whether there was one.
    ///
    /// Clear first and look at what the other thread has to say afterwards: a signal that comes in the middle of this
    /// call may be taken away with the others, and what was published before it can be seen when the call returns.
    @discardableResult
    public func clear() throws(MessagingError) -> Bool {
        var wasSignalled = false
        while try socket.tryReceive() != nil { wasSignalled = true }
        // Rearm last. The other way round, a signal in between would be taken away here and still count as sent, and
        // no further one would ever come through.
        wakeUp.rearm()
        return wasSignalled
    }
}
