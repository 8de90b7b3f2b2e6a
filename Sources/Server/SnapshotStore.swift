// Immutable copies of the weights for clients.

import Messaging
import Synchronization

/// One version of the weights, chunk by chunk, that no later step touches.
final class WeightSnapshot {
    let version: Int
    let runJSON: [UInt8]
    let chunks: [FrameBox]
    var lastUse: Double
    private let memory: Memory

    init(version: Int, runJSON: [UInt8], chunks: [FrameBox], life: SnapshotStore.Life, now: Double) {
        self.version = version
        self.runJSON = runJSON
        self.chunks = chunks
        memory = Memory(life)
        lastUse = now
    }

    /// A chunk for a client: the same bytes for all of them. While one is on its way the snapshot counts as alive.
    func frame(ofChunk chunk: Int) -> Frame {
        let memory = memory
        return chunks[chunk].share().notifying { _ = memory }
    }

    /// Stands for the memory of a snapshot: held by it and by each of its messages under way.
    private final class Memory: Sendable {
        private let life: SnapshotStore.Life

        init(_ life: SnapshotStore.Life) {
            self.life = life
            life.count.add(1, ordering: .relaxed)
        }

        deinit { life.count.subtract(1, ordering: .relaxed) }
    }
}

/// The snapshots that clients are reading. At most `countMaximum` are kept, whatever clients do: one that reads slower
/// than others ask for new ones is told to start again. What slow readers have asked for stays in memory until they
/// take it, or are cut off: at most `aliveMaximum` versions are in memory at once.
struct SnapshotStore {
    static let countMaximum = 3
    static let aliveMaximum = 4
    private static let idleSecondsMaximum = 60.0
    /// A snapshot that took a millisecond to make is followed by 50 without another: 2 % of the time at most.
    private static let pauseFactor = 50.0

    /// Counts the versions in memory; the library's thread counts down.
    final class Life: Sendable {
        let count = Atomic(0)
    }

    let life = Life()
    private var snapshots: [WeightSnapshot] = []
    private var pauseUntil = 0.0

    /// The snapshot of a version, if it is still there.
    func snapshot(version: Int, now: Double) -> WeightSnapshot? {
        let found = snapshots.first { $0.version == version }
        found?.lastUse = now
        return found
    }

    /// Whether one more fits into memory. Those that nobody has asked for in the last seconds make room.
    mutating func makeRoom(now: Double) -> Bool {
        while life.count.load(ordering: .relaxed) >= Self.aliveMaximum {
            guard let oldest = snapshots.min(by: { $0.lastUse < $1.lastUse }), now - oldest.lastUse > 2 else {
                return false
            }
            snapshots.removeAll { $0 === oldest }
        }
        return true
    }

    /// Whether the last one is long enough ago.
    func mayMakeOne(now: Double) -> Bool { now >= pauseUntil }

    /// Keeps a snapshot; the one unused for longest makes room.
    mutating func keep(_ snapshot: WeightSnapshot, now: Double, tookSeconds: Double) {
        if snapshots.count == Self.countMaximum, let oldest = snapshots.min(by: { $0.lastUse < $1.lastUse }) {
            snapshots.removeAll { $0 === oldest }
        }
        snapshots.append(snapshot)
        pauseUntil = now + tookSeconds * Self.pauseFactor
    }

    /// Lets go of snapshots that nobody reads any more.
    mutating func releaseIdle(now: Double) {
        snapshots.removeAll { now - $0.lastUse > Self.idleSecondsMaximum }
    }
}
