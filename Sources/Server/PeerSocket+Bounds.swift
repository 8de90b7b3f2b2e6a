// What keeps a server's memory within bounds, whatever its peers do.
//
//   coming in    a frame has at most 16 MiB, a queue 128 messages; but a peer can begin as many frames and connections
//                as it likes, and a message that never ends counts as none. So the process watches its own memory.
//   going out    answers: `AnswerBudget`; snapshots: `SnapshotStore`; weights: the protocol
//   connections  `connectionsMax`, and 3 s to introduce themselves
//
// When memory or connections pass their bounds, all connections are cut that no worker uses: the run goes on meanwhile.
// If that does not help, the others are cut too, and workers connect anew.

import Logging
import Messaging
import Platform

/// The bounds of a server process.
struct PeerBounds {
    /// The most connections; fewer where the system allows fewer files.
    static let connectionsMax = 4096
    /// Private memory of the process besides what its run needs.
    static let spareBytes = 512 << 20
    /// How often the memory is looked at: at 4 GB/s, what a loopback device carries, 80 MB come in between.
    fileprivate static let lookSeconds = 0.02
    /// How long cutting the connections of strangers may take to help.
    fileprivate static let reliefSeconds = 2.0

    /// The most private memory of the process.
    var memoryBytesMax = spareBytes
    var connectionsMax = min(Self.connectionsMax, max(64, CurrentProcess.raiseOpenFilesMax() - 128))
    fileprivate var nextLook = 0.0
    fileprivate var nextReview = 0.0
    /// When connections were cut for the sake of memory; `nil` while memory is within its bound.
    fileprivate var cutAt: Double?
    fileprivate var hasCutAll = false

    /// What a run's server may need: weights and moments, snapshots, the gradients of a step on their way through the
    /// reduction tree (two for each shard in the worst case) and their queues.
    static func memoryBytesMax(parameters: Int, shards: Int) -> Int {
        spareBytes + AnswerBudget.bytesMax + parameters * MemoryLayout<Float>.stride * (16 + 2 * shards)
    }
}

extension PeerSocket {
    /// Looks after connections and memory. To be called often.
    func keepBounds(now: Double, logger: Logger) throws(MessagingError) {
        try readMonitor(now: now)
        guard now >= bounds.nextLook else { return }
        bounds.nextLook = now + PeerBounds.lookSeconds
        noteRefusals(logger: logger)
        if now >= bounds.nextReview {
            bounds.nextReview = now + 1
            reviewPeers(now: now, logger: logger)
        }
        let bytes = CurrentProcess.privateBytes
        if bytes <= bounds.memoryBytesMax, connections.count <= bounds.connectionsMax {
            (bounds.cutAt, bounds.hasCutAll) = (nil, false)
            return
        }
        let why: Logger.Metadata = [
            "MiB": "\(bytes >> 20)", "MiB-max": "\(bounds.memoryBytesMax >> 20)", "connections": "\(connections.count)",
            "connections-max": "\(bounds.connectionsMax)",
        ]
        guard let cutAt = bounds.cutAt else {
            bounds.cutAt = now
            cut(sparingWorkers: true, logger: logger, why)
            return
        }
        CurrentProcess.trimMemory()
        guard now - cutAt > PeerBounds.reliefSeconds else { return }
        bounds.cutAt = now
        if bounds.hasCutAll, bytes > bounds.memoryBytesMax {
            // Nobody is connected and it is needed all the same: the run itself is larger than was thought.
            bounds.memoryBytesMax = bytes + PeerBounds.spareBytes
            bounds.hasCutAll = false
            return logger.warning("the bound of the memory is raised", metadata: why)
        }
        bounds.hasCutAll = true
        cut(sparingWorkers: false, logger: logger, why)
    }

    /// Takes in what the monitor reports.
    func readMonitor(now: Double) throws(MessagingError) {
        while let event = try monitor.next() { connections.note(event, now: now, counters: &counters) }
    }

    private func cut(sparingWorkers: Bool, logger: Logger, _ why: Logger.Metadata) {
        let number = connections.cutAll(butProtected: sparingWorkers)
        counters.cutConnections += number
        // Whoever wants to can cause it again and again; the log shall not grow with it.
        guard counters.cutConnections <= 10_000 else { return }
        logger.warning(
            sparingWorkers
                ? "strangers' connections are cut to keep memory and connections within their bounds"
                : "all connections are cut to keep memory and connections within their bounds",
            metadata: why.merging(["cut": "\(number)"]) { $1 })
    }

    /// Cuts those who do not read their answers.
    private func reviewPeers(now: Double, logger: Logger) {
        for connection in budget.review(now: now) where connections.cut(connection) {
            counters.cutConnections += 1
            guard counters.cutConnections <= 1000 else { continue }
            logger.warning("a peer that does not read its answers is cut off")
        }
    }
}
