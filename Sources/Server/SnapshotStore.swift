// Immutable copies of the weights for clients.

import Messaging

/// One version of the weights, chunk by chunk, that no later step touches.
final class WeightSnapshot {
    let version: Int
    let runJSON: [UInt8]
    let chunks: [FrameBox]
    var lastUse: Double

    init(version: Int, runJSON: [UInt8], chunks: [FrameBox], now: Double) {
        self.version = version
        self.runJSON = runJSON
        self.chunks = chunks
        lastUse = now
    }
}

/// The snapshots that clients are reading. At most `countMaximum` are kept, whatever clients do: one that reads slower
/// than others ask for new ones is told to start again.
struct SnapshotStore {
    static let countMaximum = 3
    private static let idleSecondsMaximum = 60.0
    private var snapshots: [WeightSnapshot] = []

    /// The snapshot of a version, if it is still there.
    func snapshot(version: Int, now: Double) -> WeightSnapshot? {
        let found = snapshots.first { $0.version == version }
        found?.lastUse = now
        return found
    }

    /// Keeps a snapshot; the one unused for longest makes room.
    mutating func keep(_ snapshot: WeightSnapshot) {
        if snapshots.count == Self.countMaximum, let oldest = snapshots.min(by: { $0.lastUse < $1.lastUse }) {
            snapshots.removeAll { $0 === oldest }
        }
        snapshots.append(snapshot)
    }

    /// Lets go of snapshots that nobody reads any more.
    mutating func releaseIdle(now: Double) {
        snapshots.removeAll { now - $0.lastUse > Self.idleSecondsMaximum }
    }
}
