// A worker's connection to a partition server.

import Messaging
import Platform
import WireProtocol

/// A connection to a server process that holds a part of the parameters. Bound to the thread that makes it.
///
/// The worker has the same routing identity there as at the server, which names it when weights are to be sent.
final class PartitionConnection {
    /// Where the partition server listens.
    let endpoint: Endpoint
    /// The chunks of parameters that it owns.
    let chunks: Range<Int>
    let connection: ServerConnection
    /// Whether it knows this worker.
    private(set) var isAttached = false
    /// When the connection was lost, and with it perhaps messages; `nil` while it was not.
    private(set) var lostAt: Double?

    /// Begins to connect, and introduces the worker.
    ///
    /// - Parameters:
    ///   - server: the connection whose identity, run and life this one shares.
    ///   - gradients: memory that gradients may lie in.
    init(
        _ place: WirePartitionPlace, besides server: ServerConnection, gradients: SharedMemory.Address?,
        in context: Context, clock: WorkerClock
    ) throws(MessagingError) {
        endpoint = Endpoint(place.endpoint)
        chunks = Int(place.chunks.lower)..<max(Int(place.chunks.lower), Int(place.chunks.upper))
        connection = try ServerConnection(
            to: endpoint, identity: server.identity, keys: server.keys, context: context, clock: clock)
        connection.run = server.run
        connection.incarnation = server.incarnation
        var attach = WireAttach()
        if let gradients { attach.gradients = WireSharedMemoryAddress(gradients) }
        try connection.send(.attach(attach))
    }

    /// Notes what a message says of the connection itself.
    func note(_ body: WireHeader.OneOf_Body) { if case .attached = body { isAttached = true } }

    /// Looks whether the connection was lost.
    func watch() throws(MessagingError) {
        while let event = try connection.monitor.next() {
            if event.kind == .disconnected { lostAt = lostAt ?? MonotonicClock.seconds }
        }
    }
}
