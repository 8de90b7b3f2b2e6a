// The connections of a worker to all processes that hold parameters.

import Messaging
import Platform
import WireProtocol

/// The connections to the server and, where it shares the parameters with others, to partition servers: gradients go to
/// who owns the chunk, and a version of the weights is in place once everybody has sent the last chunk of it.
final class ParameterConnections {
    /// The server: leases, data, states, and its own part of the parameters.
    let server: ServerConnection
    /// The others.
    private(set) var partitions: [PartitionConnection] = []
    /// Memory for gradients that servers of this machine can open; `nil` where there is none.
    private(set) var gradients: GradientArea?
    private var weights = SharedWeights()
    /// Who sends weights as places in memory, and so takes gradients as such: the server first.
    private var sharing: [Bool] = [false]
    private var poller = Poller()
    /// The version that each has sent in whole: the server first.
    private var delivered: [Int?] = [nil]
    /// The newest version of which each has sent a chunk: the server first.
    private var begun: [Int] = [0]
    /// From whom the next message is taken, so that none is starved.
    private var turn = 0

    /// Where a message came from.
    enum Origin: Equatable {
        case server
        case partition(Int)
    }

    /// The connection to the server alone.
    init(_ server: ServerConnection) {
        self.server = server
        poller.add(server.socket)
    }

    /// Connects to the partition servers that the server named.
    ///
    /// - Parameter gradients: memory that gradients may lie in, for those who can open it.
    func attach(
        to places: [WirePartitionPlace], gradients: GradientArea?, in context: Context, clock: WorkerClock
    ) throws(MessagingError) {
        self.gradients = gradients
        for place in places {
            let partition = try PartitionConnection(
                place, besides: server, gradients: gradients?.memory.address, in: context, clock: clock)
            sharing.append(false)
            poller.add(partition.connection.socket)
            partitions.append(partition)
            delivered.append(nil)
            begun.append(0)
        }
    }

    /// The first partition server that has not answered yet.
    var unattached: Endpoint? { partitions.first { !$0.isAttached }?.endpoint }

    /// The first server whose connection was lost longer ago than `seconds`.
    func lost(longerThan seconds: Double) throws(MessagingError) -> Endpoint? {
        for partition in partitions { try partition.watch() }
        let now = MonotonicClock.seconds
        if let lostAt = server.lostAt, now - lostAt > seconds { return server.endpoint }
        return partitions.first { $0.lostAt.map { now - $0 > seconds } ?? false }?.endpoint
    }

    /// The connection to the owner of a chunk.
    func owner(ofChunk chunk: Int) -> ServerConnection {
        partitions.first { $0.chunks.contains(chunk) }?.connection ?? server
    }

    /// Puts the carried states of a span, `[shard][state]`, where the server reads them.
    ///
    /// - Returns: Their place in the shared memory; `nil` where they have to travel in frames.
    func place(_ states: [[Float]]) -> Int? { sharing[0] ? gradients?.place(states) : nil }

    /// Whether the owner of a chunk reads gradients where they lie.
    func sharesMemory(ownerOfChunk chunk: Int) -> Bool {
        sharing[(partitions.firstIndex { $0.chunks.contains(chunk) } ?? -1) + 1]
    }

    /// The memory that a message with weights refers to; `nil` if it carries them.
    ///
    /// - Throws: `SharedMemoryError` if it cannot be opened.
    func memory(
        of header: WireWeights, from origin: Origin
    ) throws(SharedMemoryError) -> UnsafeRawBufferPointer? {
        let index = Self.index(origin)
        sharing[index] = header.hasShared
        return header.hasShared ? try weights.bytes(header.shared) : nil
    }

    /// Whether a chunk may come from there.
    func mayCome(chunk: Int, from origin: Origin) -> Bool {
        switch origin {
        case .server: !partitions.contains { $0.chunks.contains(chunk) }
        case .partition(let index): partitions[index].chunks.contains(chunk)
        }
    }

    /// Whether newer weights than these came from there already: a message that came twice must not undo them.
    func isOutdated(version: Int, from origin: Origin) -> Bool {
        let index = Self.index(origin)
        if version >= begun[index] { begun[index] = version }
        return version < begun[index]
    }

    /// Notes that a chunk of a version came.
    ///
    /// - Returns: Whether all of the version is in place now.
    func note(version: Int, isLast: Bool, from origin: Origin) -> Bool {
        let index = Self.index(origin)
        // A chunk that came twice may come behind the last one.
        if delivered[index] != version { delivered[index] = isLast ? version : nil }
        return delivered.allSatisfy { $0 == version }
    }

    private static func index(_ origin: Origin) -> Int {
        switch origin {
        case .server: 0
        case .partition(let index): index + 1
        }
    }

    /// The next message, if one comes in time, and where it came from.
    func receive(
        withinMilliseconds milliseconds: Int, _ take: (consuming ServerConnection.Incoming, Origin) throws -> Void
    ) throws {
        if try takeOne(take) { return }
        if try poller.wait(milliseconds: milliseconds) { _ = try takeOne(take) }
    }

    private func takeOne(
        _ take: (consuming ServerConnection.Incoming, Origin) throws -> Void
    ) throws -> Bool {
        for _ in 0...partitions.count {
            let index = turn
            turn = (turn + 1) % (partitions.count + 1)
            if index == 0 {
                guard let message = try server.receive(withinMilliseconds: 0) else { continue }
                try take(message, .server)
            } else {
                guard let message = try partitions[index - 1].connection.receive(withinMilliseconds: 0) else {
                    continue
                }
                if let body = message.header?.body { partitions[index - 1].note(body) }
                try take(message, .partition(index - 1))
            }
            return true
        }
        return false
    }
}
