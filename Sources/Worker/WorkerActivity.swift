// Where a worker's time goes, for those who watch the run.

import Platform
import Recurrent
import WireProtocol

/// What a worker's thread does.
enum WorkerActivity: Int, CaseIterable {
    /// Waits for weights and leases, takes messages apart, fetches data.
    case wait
    /// Puts weights in place.
    case weights
    /// Computes gradients.
    case compute
    /// Hands messages to the socket.
    case push
    /// Computes a validation loss.
    case evaluate
}

/// The clock of a worker's thread.
typealias WorkerClock = ActivityClock<WorkerActivity>

extension WorkerClock {
    /// A source of time for the network's phases that stands still while nothing is computed.
    var computing: @Sendable () -> UInt64 {
        // Only ever asked on the worker's thread, by the network that it computes with.
        nonisolated(unsafe) let clock = self
        // From 1: the network takes 0 for a clock that was never looked at.
        return { clock.nanoseconds(.compute) + 1 }
    }

    /// Seconds by activity; those of computing by phase of the network.
    func report(_ phases: PhaseSampling) -> [WireActivitySeconds] {
        var report = phases.seconds.map { WireActivitySeconds("\($0.phase)", seconds: $0.seconds) }
        for activity in WorkerActivity.allCases where activity != .compute {
            report.append(WireActivitySeconds("\(activity)", seconds: seconds(activity)))
        }
        report.append(WireActivitySeconds("cpu", seconds: CurrentProcess.processorSeconds))
        return report
    }
}
