// The partition servers of a supervised run.

import Messaging
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A partition server's place, in which one process after the other may live, each at a port of its own.
struct PartitionSlot {
    let name: String
    /// Where the process writes its endpoint.
    let endpointFile: String
    var child: ManagedChild?
    /// Where it listens; `nil` until it does.
    var endpoint: Endpoint?
    var restarts = RestartCounter()
    /// When to start it anew.
    var startAt: Double?
    /// When the present process was started, by the clock that stands still when the supervisor does.
    var startedAt = 0.0
    /// Whether the present server began with it.
    var servesPresentServer = false
}

extension RunSupervisor {
    /// Whether all partition servers listen.
    var partitionsListen: Bool { partitions.allSatisfy { $0.endpoint != nil } }

    /// - Returns: `false` when a signal came first.
    func startAndAwaitPartitions() throws(ProgramFailure) -> Bool {
        let now = MonotonicClock.seconds
        partitions = (1..<max(1, request.partitions)).map { number in
            let name = "partition-\(number)"
            return PartitionSlot(name: name, endpointFile: "\(logs)/\(name).endpoint", startAt: now)
        }
        while TerminationSignal.received == nil {
            try watchPartitions()
            if partitionsListen { return true }
            MonotonicClock.sleep(seconds: 0.01)
        }
        return false
    }

    /// Starts those that are due, and notes who listens and who has ended.
    func watchPartitions() throws(ProgramFailure) {
        let now = MonotonicClock.seconds
        let awakeNow = awake.look()
        for index in partitions.indices {
            if let child = partitions[index].child, let end = child.poll() {
                try notePartitionEnd(index, child, end)
            }
            if let due = partitions[index].startAt, now >= due { try startPartition(index) }
            guard partitions[index].endpoint == nil, let child = partitions[index].child else { continue }
            if let bytes = FileText.bytes(partitions[index].endpointFile), bytes.last == 0x0A {
                partitions[index].endpoint = Endpoint(
                    String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }))
            } else if awakeNow - partitions[index].startedAt > limits.partitionSecondsMax {
                throw failure(
                    "\(child.name) does not listen after \(Readable.duration(limits.partitionSecondsMax))", child)
            }
        }
    }

    private func startPartition(_ index: Int) throws(ProgramFailure) {
        let executable = try Executables.path("rondo-server", in: request.executables)
        partitions[index].startAt = nil
        partitions[index].startedAt = awake.look()
        partitions[index].servesPresentServer = false
        unlink(partitions[index].endpointFile)
        let handOver = HandOver()
        try keys.hand(toServer: handOver)
        partitions[index].child = try ManagedChild(
            partitions[index].name, executable: executable,
            arguments: [
                "--partition", "--bind", "tcp://127.0.0.1:*", "--endpoint-file", partitions[index].endpointFile,
                "--supervised",
            ], handing: handOver, logs: logs)
    }

    /// The server notices too, and ends its life: the next one begins at the newest checkpoint.
    private func notePartitionEnd(_ index: Int, _ child: ManagedChild, _ end: ChildEnd) throws(ProgramFailure) {
        let name = partitions[index].name
        partitions[index].child = nil
        let verdict = ManagedChild.verdict(end)
        // It was dismissed: the server has ended, or is about to.
        if verdict == .done { return }
        partitions[index].endpoint = nil
        serverIsDoomed = true
        guard verdict == nil || verdict == .interrupted, let pause = partitions[index].restarts.noteDeath() else {
            throw failure("\(name) ended by \(end)", child)
        }
        partitions[index].startAt = MonotonicClock.seconds + pause
        display.note("rondo: \(name) ended by \(end)\(words(of: child)); starting it anew")
    }

    /// The server gave a partition server up that may still run, but hangs: those that it began with are started anew,
    /// as blank as they were when they began.
    func replacePartitions() {
        for index in partitions.indices where partitions[index].child != nil && partitions[index].servesPresentServer {
            partitions[index].child?.destroy()
            partitions[index].child = nil
            partitions[index].endpoint = nil
            partitions[index].startAt = MonotonicClock.seconds
        }
    }

    /// Ends whatever still lives of them.
    func destroyPartitions() {
        for index in partitions.indices {
            partitions[index].child?.destroy()
            partitions[index].child = nil
            partitions[index].startAt = nil
            unlink(partitions[index].endpointFile)
        }
    }
}
