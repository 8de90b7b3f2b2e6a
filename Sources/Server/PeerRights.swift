// What a peer may do at a server.

import WireProtocol

/// What a peer may do at a server: its key says so. Without keys everybody may do everything.
public struct PeerRights: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int

    /// Takes the bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// See how the run is doing, and take its weights.
    public static let read = PeerRights(rawValue: 1)
    /// Join as a worker.
    public static let work = PeerRights(rawValue: 2)
    /// Stop the run, and report that workers' processes have ended.
    public static let control = PeerRights(rawValue: 4)
    /// Hand out parameters to partition servers, and have them applied. Only the servers' own key.
    public static let lead = PeerRights(rawValue: 8)

    /// All of it.
    static let everything: PeerRights = [.read, .work, .control, .lead]
}

/// The roles that a list of allowed keys can give.
public enum PeerRole: String, Sendable, CaseIterable {
    /// Computes. It gets the run's data and weights, because it needs them.
    case worker
    /// Sees the status and takes weights; changes nothing.
    case client
    /// Sees what a client sees, stops the run, and reports the ends of processes.
    case supervisor
    /// All of these: what a key without a role may do.
    case any

    /// What the role may do.
    public var rights: PeerRights {
        switch self {
        case .worker: .work
        case .client: .read
        case .supervisor: [.read, .control]
        case .any: [.read, .work, .control]
        }
    }
}

extension WireHeader.OneOf_Body {
    /// What the sender of such a message must be allowed to do.
    var neededRights: PeerRights {
        switch self {
        case .statusRequest, .snapshotRequest, .snapshotChunkRequest: .read
        case .workerDeath, .stopRequest: .control
        case .hello, .ready, .push, .pushes, .spanDone, .heartbeat, .leave, .dataRequest, .computationFailed, .attach:
            .work
        case .partitionAssignment, .partitionState, .partitionApply, .partitionSend, .partitionFetch, .partitionPing,
            .partitionForget, .partitionRestart, .goodbye:
            .lead
        // No server takes these; it says so to everybody.
        case .welcome, .refusal, .lease, .weights, .dataBlock, .heartbeatReply, .attached, .status, .snapshot,
            .snapshotChunk, .acknowledgement, .partitionReport, .partitionReduced, .partitionApplied,
            .partitionValues, .partitionSuspicion:
            []
        }
    }
}
