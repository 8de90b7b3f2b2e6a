// SocketHandle: the only place that touches a socket of the library; checks the thread, and closes exactly once.

import CZeroMQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A socket of the library with its owner: shared by a `Socket` and whoever must learn that it was closed (pollers and
/// monitors).
final class SocketHandle {
    let kind: SocketKind
    private let owner = pthread_self()
    private var pointer: UnsafeMutableRawPointer?
    /// Keeps the context from ending while the socket is open.
    private var context: Context?
    /// What stands in for the library's socket in a simulation.
    let simulated: (any SimulatedSocket)?
    /// Whether the library reports this socket's connections to a `SocketMonitor`.
    var isMonitored = false

    init(_ kind: SocketKind, in context: Context) throws(MessagingError) {
        self.kind = kind
        simulated = try context.simulated?.openSocket(kind)
        pointer = simulated == nil ? try context.openSocket(kind) : nil
        self.context = context
    }

    /// A handle of a socket that a simulation has made.
    init(_ simulated: any SimulatedSocket, kind: SocketKind, in context: Context) {
        self.kind = kind
        self.simulated = simulated
        pointer = nil
        self.context = context
    }

    deinit {
        close()
    }

    /// The open socket, `nil` once it was closed. Stops the process when called from another thread.
    var open: UnsafeMutableRawPointer? {
        checkThread()
        return pointer
    }

    /// The socket of a `Socket`, which is open by construction.
    var raw: UnsafeMutableRawPointer {
        guard let open else { fatalError("Messaging: a closed \(kind) socket was used") }
        return open
    }

    var home: Context {
        guard let context else { fatalError("Messaging: a closed \(kind) socket was used") }
        return context
    }

    func close() {
        simulated?.close()
        guard let pointer else { return }
        checkThread()
        stopMonitoring()
        zmq_close(pointer)
        self.pointer = nil
        context = nil
    }

    /// Stops the reports to a monitor. Must happen before the monitor's reading end or this socket goes: a report that
    /// nobody can receive blocks the library's I/O thread for ever (libzmq issue 3575).
    func stopMonitoring() {
        guard isMonitored, let open else { return }
        isMonitored = false
        zmq_socket_monitor(open, nil, 0)
    }

    private func checkThread() {
        // Not `precondition`: its message would be missing in release builds.
        if pthread_equal(owner, pthread_self()) == 0 {
            fatalError(
                "Messaging: a \(kind) socket was used on another thread than the one that made it; "
                    + "use a WakeUp, or make a socket on each thread")
        }
    }
}
