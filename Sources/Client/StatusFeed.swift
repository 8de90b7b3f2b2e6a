// Status again and again, without ever waiting for it.

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
        guard case .status(let status) = message.header.body else { return nil }
        isWaiting = false
        return RunStatus(status)
    }

    /// Tells the server that a worker's process ended; whether it hears it is for its heartbeat limit to make good.
    public func reportDeath(ofWorker name: String, process: Int) {
        _ = try? link.send(.workerDeath(WireWorkerDeath(name: name, process: process)))
    }
}
