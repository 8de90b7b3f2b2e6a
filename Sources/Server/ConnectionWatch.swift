// The connections of a server's socket: how many there are, what became of them, and whom to spare.

import Messaging

/// Counts connections as a monitor reports them, and knows which of them are open.
struct ConnectionWatch {
    /// How long a connection may take to introduce itself.
    static let greetingMilliseconds = 3000

    private struct Connection {
        var acceptedAt: Double
        /// A whole message came over it.
        var hasSpoken = false
        /// It belongs to a worker, or to whom else the run depends on.
        var isProtected = false
    }

    private var open: [ConnectionIdentifier: Connection] = [:]
    /// The report of a failed introduction comes just before that of the connection's end.
    private var failed = false

    /// The number of open connections.
    var count: Int { open.count }

    /// Notes a report of the monitor.
    mutating func note(_ event: MonitorEvent, now: Double, counters: inout ServerCounters) {
        switch event.kind {
        case .accepted:
            counters.connections += 1
            if let connection = event.connection { open[connection] = Connection(acceptedAt: now) }
        case .handshakeFailed: failed = true
        case .disconnected:
            defer { failed = false }
            let connection = event.connection.flatMap { open.removeValue(forKey: $0) }
            if failed {
                let age = now - (connection?.acceptedAt ?? now)
                if age > Double(Self.greetingMilliseconds) / 1000 - 0.2 {
                    counters.silentConnections += 1
                } else {
                    counters.failedHandshakes += 1
                }
            } else if let connection, !connection.hasSpoken {
                counters.fruitlessConnections += 1
            }
        default: break
        }
    }

    /// Notes that a message came.
    ///
    /// - Returns: Whether the connection is known: its acceptance was reported before the message, and may not have
    ///   been read yet.
    mutating func noteMessage(over connection: ConnectionIdentifier?) -> Bool {
        guard let connection else { return true }
        open[connection]?.hasSpoken = true
        return open[connection] != nil
    }

    /// From now on the connection is not cut to save memory, unless nothing else helps.
    mutating func protect(_ connection: ConnectionIdentifier?) {
        if let connection { open[connection]?.isProtected = true }
    }

    /// Cuts a connection, if it is still open.
    func cut(_ connection: ConnectionIdentifier) -> Bool {
        guard open[connection] != nil else { return false }
        connection.shutDown()
        return true
    }

    /// Cuts all connections that are not protected, or all.
    ///
    /// - Returns: how many.
    func cutAll(butProtected spares: Bool) -> Int {
        let cut = open.filter { !(spares && $0.value.isProtected) }
        for connection in cut.keys { connection.shutDown() }
        return cut.count
    }
}
