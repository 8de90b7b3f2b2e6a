// The end of a server: on record in the run's directory, and told to all who take part or watch.

import Checkpoints
import Platform
import WireProtocol

extension ParameterServer {
    /// How long the end of a server waits for its last messages to leave.
    static let farewellMilliseconds = 5000

    /// Puts the end on record, tells the workers and whoever watches how the run ended, and ends the server's life.
    func conclude() throws(ServerError) -> ServerEnd {
        let (reason, text): (WireGoodbyeReason, String) =
            switch end {
            case .completed: (.finished, "the run is complete")
            case .stopped: (.stopping, "the server stops")
            case .failed(let reason): (.failed, reason)
            case .diverged(let divergence): (.failed, divergence.description)
            case nil: (.stopping, "")
            }
        endLedger(reason: text)
        if checkpoints.problem != nil, let loss = partitions.loss { throw .partition(loss) }
        var failure = endingFailure()
        if failure == nil, end == .completed {
            do { try directory.markCompleted() } catch { failure = error }
        }
        record(failure)
        var goodbye = WireGoodbye()
        goodbye.reason = reason
        goodbye.explanation = text
        for (_, member) in members.sorted(by: { $0.key < $1.key }) { send(.goodbye(goodbye), to: member.peer) }
        partitions.dismiss(goodbye)
        logger.notice("the run ends", metadata: ["how": "\(text)", "step": "\(coordinator.step)"])
        if case .partition? = failure {} else { tellWatchers(failure) }
        if let failure { throw failure }
        return end == .completed ? .completed : .stopped
    }

    /// A failure that ends the server in the middle of its work is put on record, too. The loss of a partition server
    /// is not told to those who watch: a supervisor goes on by itself, and they follow.
    func noteFailure(_ failure: ServerError) {
        record(failure)
        if case .partition = failure { return }
        tellWatchers(failure)
    }

    private func endingFailure() -> ServerError? {
        if checkpoints.refusedWeights, end == .completed {
            return .training("the run was stopped: its weights are no numbers any more; \(divergenceAdvice)")
        }
        if let problem = checkpoints.problem, !isDiverged {
            return .system("the last checkpoint could not be written: \(problem)")
        }
        if let problem = ledger.problem { return .system("the ledger is not complete: \(problem)") }
        if case .failed(let reason) = end { return .training("the run was stopped: \(reason)") }
        if case .diverged(let divergence) = end {
            return .training(
                "the run was stopped: \(divergence.description); \(divergenceAdvice)")
        }
        if end != .completed, let abandonment { return .abandoned(abandonment) }
        if end != .completed, let departure, TerminationSignal.received == nil { return .partition(departure) }
        return nil
    }

    private func ending(_ failure: ServerError?) -> RunEnding {
        let isCompleted = failure == nil && end == .completed
        return RunEnding(
            how: failure != nil ? .failed : isCompleted ? .completed : .interrupted,
            reason: failure?.description ?? (isCompleted ? "the run is complete" : "stopped on request or by a signal"),
            exitCode: failure?.exitCode ?? (isCompleted ? 0 : 130), step: coordinator.step,
            totalSteps: task.totalSteps, run: directory.identity.run)
    }

    /// Nobody's result depends on the record: a disk that does not take it makes no other end.
    private func record(_ failure: ServerError?) {
        do { try ending(failure).write(inDirectory: directory.path) } catch {
            logger.warning("the end is not on record", metadata: ["reason": "\(error)"])
        }
    }

    private func tellWatchers(_ failure: ServerError?) {
        let ending = ending(failure)
        var status = status()
        status.phase = ending.how == .completed ? "finished" : ending.how.rawValue
        var goodbye = WireGoodbye()
        switch ending.how {
        case .completed: goodbye.reason = .finished
        case .interrupted: goodbye.reason = .stopping
        case .failed: goodbye.reason = .failed
        }
        goodbye.explanation = ending.reason
        goodbye.exitCode = UInt32(ending.exitCode)
        for watcher in watchers.recent(now: MonotonicClock.seconds) {
            peers.answer(.status(status), to: watcher)
            peers.answer(.goodbye(goodbye), to: watcher)
        }
    }
}
