// How a run ended, for people.

import Checkpoints
import Client
import Supervisor

/// How a run ended, in one line.
enum EndingText {
    /// What is told of a run that had ended before it was looked at.
    private struct Ended: Encodable {
        var phase: String
        var step: Int
        var totalSteps: Int
        var ending: RunEnding
    }

    /// The last status with the end, or the end alone.
    static func json(_ ending: RunEnding, of last: RunStatus?, pretty: Bool) throws -> String {
        let phase = ending.how == .completed ? "finished" : ending.how.rawValue
        guard var status = last else {
            return try JSONLine.encode(
                Ended(phase: phase, step: ending.step, totalSteps: ending.totalSteps, ending: ending), pretty: pretty)
        }
        status.phase = phase
        status.ending = ending
        return try JSONLine.encode(status, pretty: pretty)
    }

    static func line(_ ending: RunEnding) -> String {
        let place = "step \(Readable.grouped(ending.step)) of \(Readable.grouped(ending.totalSteps))"
        return switch ending.how {
        case .completed: "the run is complete"
        case .interrupted: "the run was interrupted at \(place): \(ending.reason)"
        case .failed: "the run failed at \(place): \(ending.reason)"
        }
    }
}
