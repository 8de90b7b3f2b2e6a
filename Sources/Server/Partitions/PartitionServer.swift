// A server process that holds a part of the parameters of a run.

import Foundation
import Logging
import Messaging
import Numerics
import Platform
import WireProtocol

/// What a partition server is told at its start.
public struct PartitionServerOptions: Sendable {
    /// Where to listen.
    public var endpoint: Endpoint
    /// Whether to listen on other interfaces than loopback without keys.
    public var isInsecure: Bool
    /// Encrypts all connections and lets the owners of listed keys in; `nil` for plain text.
    public var keys: ServerKeys?
    /// A file to write the endpoint into once the server listens.
    public var endpointFile: String?
    /// How long to wait for a primary.
    public var patienceSeconds: Double

    /// Options.
    public init(
        endpoint: Endpoint, isInsecure: Bool = false, keys: ServerKeys? = nil, endpointFile: String? = nil,
        patienceSeconds: Double = 600
    ) {
        self.patienceSeconds = patienceSeconds
        self.endpoint = endpoint
        self.isInsecure = isInsecure
        self.keys = keys
        self.endpointFile = endpointFile
    }
}

/// A process that waits for a primary (a `ParameterServer` which was given its endpoint), takes the state of a range of
/// chunks from it, and from then on sums those chunks' gradients, applies Adam to them and sends them to the workers.
///
///     let end = try PartitionServer.serve(options, logger: logger)
///
/// It keeps nothing: checkpoints are the primary's. A primary that begins a new life hands out all state anew.
public final class PartitionServer {
    /// A primary that was silent for so long will not come back; its parameters are let go of.
    private static let forsakenSecondsMax = 60.0
    /// The most workers.
    static let workersMax = 4096

    let logger: Logger
    let peers: PeerSocket
    private let patienceSeconds: Double
    /// Since when there has been no primary.
    private var aloneSince: Double?
    let clock = ServerClock(.other)
    /// What is served; `nil` while there is no primary.
    var tenure: Tenure?
    /// Why the primary ended the service.
    var dismissal: String?
    /// Whether the primary was told that this process is asked to end.
    private var hasSaidLeave = false
    private var reportedAt = 0.0

    /// The service of one life of one primary.
    struct Tenure {
        /// The primary's connection: nobody else may change anything.
        var primary: RoutingIdentifier
        var assignment: PartitionAssignment
        var partition: ParameterPartition
        /// The chunks whose state has not come yet.
        var missing: Set<Int>
        /// The memory of the gradients of workers that are on this machine.
        var gradients: [RoutingIdentifier: SharedMemory] = [:]
        /// Those who attached.
        var workers: Set<RoutingIdentifier> = []
        /// Those whom the primary had weights sent to, and has not sent away since.
        var admitted: Set<RoutingIdentifier> = []
        /// How often the primary had a step begun anew.
        var restarts: UInt32 = 0
        var lastHeard: Double
        var isReportedSilent = false
        var isLoaded: Bool { missing.isEmpty }
    }

    /// Serves until the primary says goodbye, or the process is asked to end.
    ///
    /// - Returns: `.completed` in the first case, `.stopped` in the second.
    /// - Throws: `ServerError`.
    public static func serve(_ options: PartitionServerOptions, logger: Logger) throws(ServerError) -> ServerEnd {
        let context: Context
        do { context = try Context() } catch { throw .system("\(error)") }
        defer { LongWork.meanwhile(nil) }
        let server = try PartitionServer(options, in: context, logger: logger)
        LongWork.meanwhile { [unowned server] in server.giveSignOfLife() }
        return try server.run()
    }

    /// Listens.
    private init(_ options: PartitionServerOptions, in context: Context, logger: Logger) throws(ServerError) {
        self.logger = logger
        patienceSeconds = options.patienceSeconds
        peers = try PeerSocket(
            options.endpoint, isInsecure: options.isInsecure, keys: options.keys, in: context, clock: clock)
        if let file = options.endpointFile { try peers.announce(in: file) }
        logger.notice("waiting for a primary", metadata: ["endpoint": "\(peers.endpoint)"])
    }

    private func run() throws(ServerError) -> ServerEnd {
        var poller = Poller()
        peers.listen(on: &poller)
        var nextTick = 0.0
        while dismissal == nil {
            let now = MonotonicClock.seconds
            if TerminationSignal.received != nil, mayLeave(now: now) { return .stopped }
            do { try peers.keepBounds(now: now, logger: logger) } catch { throw .system("messaging failed: \(error)") }
            if now >= nextTick {
                nextTick = now + 0.25
                try watchPrimary(now: now)
            }
            do {
                clock.enter(.idle)
                defer { clock.enter(.other) }
                guard try poller.wait(milliseconds: 50) else { continue }
                clock.enter(.receive)
                // A bounded number at once, so that signals are never starved.
                for _ in 0..<256 {
                    guard dismissal == nil, try peers.receive({ take($0) }) else { break }
                }
            } catch {
                throw .system("messaging failed: \(error)")
            }
        }
        logger.notice("dismissed", metadata: ["reason": "\(dismissal ?? "")"])
        return TerminationSignal.received == nil ? .completed : .stopped
    }

    /// Asked to end, the server tells its primary, which writes a checkpoint before it lets go of the parameters.
    ///
    /// - Returns: Whether nobody needs the parameters any more: there is no primary, or it is silent; or the user asks
    ///   again.
    private func mayLeave(now: Double) -> Bool {
        guard let tenure, tenure.isLoaded, TerminationSignal.repeatCount == 0,
            now - tenure.lastHeard < tenure.assignment.silenceLimitSeconds
        else { return true }
        if !hasSaidLeave {
            hasSaidLeave = true
            logger.notice("asked to end: the primary is told, and writes a checkpoint first")
            report()
        }
        return false
    }

    private func watchPrimary(now: Double) throws(ServerError) {
        // Gradients and weights that a worker misses are missed by the primary, too: it has deadlines.
        peers.overflowed = []
        guard let tenure else {
            let since = aloneSince ?? now
            aloneSince = since
            guard now - since < patienceSeconds else {
                throw .abandoned("no server has asked for this partition server for \(Int(now - since)) s (--patience)")
            }
            return
        }
        aloneSince = nil
        let silence = now - tenure.lastHeard
        if silence > Self.forsakenSecondsMax {
            logger.warning("the primary did not come back; waiting for another", metadata: ["run": "\(peers.run)"])
            self.tenure = nil
        } else if silence > tenure.assignment.silenceLimitSeconds, !tenure.isReportedSilent {
            logger.warning(
                "the primary is silent", metadata: ["run": "\(peers.run)", "seconds": "\(Int(silence.rounded()))"])
            self.tenure?.isReportedSilent = true
        }
    }

    // MARK: - A new primary

    /// Takes a primary's assignment, unless another primary is at work here.
    func take(_ wire: WirePartitionAssignment, header: WireHeader, from peer: RoutingIdentifier) {
        if let tenure, !mayReplace(tenure, by: header) {
            peers.counters.wrongRun += 1
            return peers.refuse(
                peer, .run, "serves life \(peers.incarnation) of run \(peers.run), whose primary is alive")
        }
        guard let assignment = PartitionAssignment(wire) else {
            peers.counters.malformed += 1
            return peers.refuse(peer, .malformed, "an assignment that makes no sense")
        }
        guard assignment.stateBytes <= PhysicalMemory.bytes else {
            return peers.refuse(
                peer, .malformed,
                "\(assignment.stateBytes >> 20) MiB of parameters and moments; this machine has "
                    + "\(PhysicalMemory.bytes >> 20) MiB of memory: use more partitions")
        }
        // The old ones go before the new ones take memory.
        tenure = nil
        (peers.run, peers.incarnation) = (header.run, header.incarnation)
        let partition = ParameterPartition(
            layout: assignment.layout, chunks: assignment.chunks, shards: assignment.shards,
            version: assignment.version, isSynchronous: assignment.isSynchronous, precision: assignment.precision,
            clock: clock)
        tenure = Tenure(
            primary: peer, assignment: assignment, partition: partition, missing: Set(assignment.chunks),
            lastHeard: MonotonicClock.seconds)
        peers.bounds.memoryBytesMax = PeerBounds.memoryBytesMax(
            parameters: partition.parameterCount, shards: assignment.shards)
        logger.notice(
            "assigned",
            metadata: [
                "run": "\(header.run)", "incarnation": "\(header.incarnation)", "chunks": "\(assignment.chunks)",
                "parameters": "\(partition.parameterCount)", "version": "\(assignment.version)",
            ])
        report()
    }

    /// A later life of the same run takes over at once, anybody else when the primary is silent.
    private func mayReplace(_ tenure: Tenure, by header: WireHeader) -> Bool {
        if header.run == peers.run, header.incarnation > peers.incarnation { return true }
        return MonotonicClock.seconds - tenure.lastHeard > tenure.assignment.silenceLimitSeconds
    }

    /// In the middle of long work: the primary hears that it goes on.
    private func giveSignOfLife() {
        let now = MonotonicClock.seconds
        guard now - reportedAt >= 1 else { return }
        reportedAt = now
        report()
    }

    /// Tells the primary how things are.
    func report() {
        guard let tenure else { return }
        var report = WirePartitionReport()
        report.isLoaded = tenure.isLoaded
        report.residentBytes = UInt64(CurrentProcess.residentBytes)
        report.counters = peers.counters.wire
        report.seconds = clock.report
        report.leaves = TerminationSignal.received != nil
        peers.send(.partitionReport(report), to: tenure.primary)
    }
}
