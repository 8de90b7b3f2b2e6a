// Status again and again, without ever waiting for it.

import Checkpoints
import Messaging
import Platform
import WireProtocol

/// Keeps asking a server for its status, through its deaths and restarts.
///
///     let feed = try StatusFeed(endpoint)
///     while running {
///         if let status = try feed.next(withinMilliseconds: 50) { show(status) }
///         look(after: children)
///     }
///
/// A feed belongs to the thread that made it.
public final class StatusFeed {
    /// How long an answer may take before the question is asked anew: it may have been lost with a connection.
    private static let answerSecondsMax = 2.0

    private let link: ServerLink
    private let intervalSeconds: Double
    private var askedAt = -1e9
    private var isWaiting = false
    private var heardAt: Double
    private var last = (step: 0, totalSteps: 0)

    /// Begins to connect.
    ///
    /// - Parameters:
    ///   - intervalSeconds: the time between two questions.
    ///   - keys: the client's part in encryption; `nil` for none.
    public init(_ endpoint: Endpoint, intervalSeconds: Double, keys: CurveRole? = nil) throws(ClientError) {
        link = try ServerLink(to: endpoint, queues: false, keys: keys)
        self.intervalSeconds = intervalSeconds
        heardAt = MonotonicClock.seconds
    }

    /// How long the server has been silent, in seconds; at first, how long the feed has been trying.
    public var silentSeconds: Double { MonotonicClock.seconds - heardAt }

    /// Whether a server of any kind was ever reached.
    public var wasReached: Bool { link.stage == .greeted }

    /// Whether there is a connection at present.
    public var isConnected: Bool { link.isConnected }

    /// The identifier of the run, as the server said; empty before its first answer.
    public private(set) var run = ""

    /// How the run ended, as the server said with its last message.
    public private(set) var ending: RunEnding?

    /// Asks if it is time to, and returns an answer if one comes within the time.
    ///
    /// - Throws: `ClientError.otherProtocol`; a refusal or an answer that makes no sense is passed over.
    public func next(withinMilliseconds milliseconds: Int) throws(ClientError) -> RunStatus? {
        let now = MonotonicClock.seconds
        if now - askedAt > (isWaiting ? max(Self.answerSecondsMax, intervalSeconds) : intervalSeconds) {
            if try link.send(.statusRequest(WireStatusRequest())) {
                askedAt = now
                isWaiting = true
            }
        }
        guard let message = try link.receive(withinMilliseconds: milliseconds) else { return nil }
        heardAt = MonotonicClock.seconds
        switch message.header.body {
        case .status(let answer):
            isWaiting = false
            run = ForeignText.limited(message.header.run)
            let status = RunStatus(answer)
            last = (status.step, status.totalSteps)
            return status
        case .goodbye(let goodbye):
            ending = RunEnding(goodbye, run: run, step: last.step, totalSteps: last.totalSteps)
            return nil
        default: return nil
        }
    }

    /// Tells the server that a worker's process ended; whether it hears it is for its heartbeat limit to make good.
    public func reportDeath(ofWorker name: String, process: Int) {
        _ = try? link.send(.workerDeath(WireWorkerDeath(name: name, process: process)))
    }
}

extension RunEnding {
    /// What a server's last message says.
    init(_ goodbye: WireGoodbye, run: String, step: Int, totalSteps: Int) {
        let (how, code): (How, Int) =
            switch goodbye.reason {
            case .finished: (.completed, 0)
            case .stopping: (.interrupted, 130)
            case .failed, .unspecified, .UNRECOGNIZED: (.failed, 70)
            }
        self.init(
            how: how, reason: ForeignText.shown(goodbye.explanation),
            exitCode: goodbye.exitCode > 0 && how == .failed ? Int(min(goodbye.exitCode, 255)) : code, step: step,
            totalSteps: totalSteps, run: run)
    }
}
