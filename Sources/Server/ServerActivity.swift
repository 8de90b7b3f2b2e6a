// Where the server's time goes, for those who watch the run.

import Cluster
import Platform
import WireProtocol

/// What the server's thread does.
enum ServerActivity: Int, CaseIterable {
    /// Nothing: no message waits.
    case idle
    /// Takes messages in, decodes and checks them.
    case receive
    /// Adds partial sums of gradients.
    case sum
    /// The gradient's norm.
    case norm
    /// Applies Adam.
    case adam
    /// Copies weights into messages, and hands messages to the socket.
    case send
    /// Writes checkpoints.
    case checkpoint
    /// Everything else.
    case other
}

/// The clock of the server's thread.
typealias ServerClock = ActivityClock<ServerActivity>

extension ServerClock {
    /// Seconds by activity since the server started.
    var report: [WireActivitySeconds] {
        ServerActivity.allCases.map { WireActivitySeconds("\($0)", seconds: seconds($0)) }
            + [WireActivitySeconds("cpu", seconds: CurrentProcess.processorSeconds)]
    }
}

extension CoordinatorStatistics {
    /// As status reports name them.
    var list: [(String, Int)] {
        [
            ("leases-returned", leasesReturned), ("speculations", speculations),
            ("speculations-won", speculationsWon), ("late-results", lateResults), ("results-doubted", resultsDoubted),
            ("results-contradicted", resultsContradicted), ("workers-expelled", workersExpelled),
        ] + staleness.sorted { $0.key < $1.key }.map { ("staleness-\($0.key)", $0.value) }
    }
}

extension WireCounter {
    init(_ name: String, _ value: Int) {
        self.init()
        self.name = name
        self.value = UInt64(value)
    }
}
