// SocketMonitor: watches the connections of one socket.

import CZeroMQ

/// Watches the connections of one socket, from the socket's own thread.
///
///     let monitor = try router.monitor()
///     let source = poller.add(monitor)
///     …
///     while let event = try monitor.next() {
///         if event.kind == .disconnected { … }
///     }
///
/// Start it before binding or connecting to miss nothing. Socket and monitor may go in any order; after the socket
/// was closed the monitor reports `.stopped` and then nothing more. Events wait in a queue without limit (the library
/// would otherwise stop its I/O thread), about 100 bytes each: read them, or drop the monitor.
public struct SocketMonitor: ~Copyable {
    let socket: Socket
    private let watched: SocketHandle

    init(watching watched: SocketHandle) throws(MessagingError) {
        self.watched = watched
        if let simulated = watched.simulated {
            socket = Socket(try simulated.monitor(), kind: .pair, in: watched.home)
        } else {
            socket = try Self.socket(watching: watched)
        }
    }

    private static func socket(watching watched: SocketHandle) throws(MessagingError) -> Socket {
        let endpoint = watched.home.uniqueInprocEndpoint(for: "monitor")
        var options = SocketOptions()
        options.receiveHighWaterMark = 0
        let socket = try Socket(.pair, in: watched.home, options: options)
        // The reading end is there before the first report: a report without one would block the library.
        try socket.connect(endpoint)
        // Without files to open, the library tries to accept again and again: a report each time would fill the memory.
        let events = ZMQ_EVENT_ALL & ~ZMQ_EVENT_ACCEPT_FAILED
        let result = zmq_socket_monitor(watched.raw, endpoint.text, events)
        guard result == 0 else { throw LibraryError.last.typed(.monitoring) }
        watched.isMonitored = true
        return socket
    }

    deinit {
        // In this order: see `SocketHandle.stopMonitoring`.
        watched.stopMonitoring()
    }

    /// The next event, `nil` when there is none now.
    ///
    /// - Throws: `.terminated`.
    public func next() throws(MessagingError) -> MonitorEvent? {
        guard let header = try socket.tryReceive() else { return nil }
        return try event(header)
    }

    /// The next event, waited for no longer than `milliseconds`; `nil` when none came in time.
    ///
    /// - Throws: `.terminated`.
    public func next(withinMilliseconds milliseconds: Int) throws(MessagingError) -> MonitorEvent? {
        guard let header = try socket.receive(withinMilliseconds: milliseconds) else { return nil }
        return try event(header)
    }

    private func event(_ header: borrowing Frame) throws(MessagingError) -> MonitorEvent {
        let endpoint = header.hasMore ? try socket.receive().text() : nil
        return MonitorEvent(header: header.bytes(), endpoint: endpoint ?? "")
    }
}

extension Socket {
    /// Watches this socket's connections. A socket has one monitor at a time.
    ///
    /// - Throws: `.unsupported(.monitoring)` when it has one; `.tooManySockets`; `.terminated`.
    public func monitor() throws(MessagingError) -> SocketMonitor {
        guard !handle.isMonitored else { throw .unsupported(.monitoring) }
        return try SocketMonitor(watching: handle)
    }
}
