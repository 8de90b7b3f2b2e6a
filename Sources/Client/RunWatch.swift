// A run watched to its end, through the deaths, restarts and moves of its server.

import Checkpoints
import Messaging
import Platform

/// Follows a run until it ends, and learns how: from the server's last message, or where that never came from the run's
/// directory, if it is on this machine.
///
///     let watch = try RunWatch(endpoint, intervalSeconds: 1)
///     while true {
///         switch try watch.next(withinMilliseconds: 100) {
///         case .status(let status): show(status)
///         case .silent(let seconds): if seconds > 4 { say("no answer for \(seconds) s") }
///         case .ended(let ending): return ending
///         }
///     }
///
/// A server that comes back at another endpoint, or with other keys, is found by what stands in the run's directory. A
/// watch belongs to the thread that made it.
public final class RunWatch {
    /// What is new.
    public enum News {
        /// The server said how things are.
        case status(RunStatus)
        /// It has not said anything for so many seconds.
        case silent(seconds: Double)
        /// The run is over.
        case ended(RunEnding)
    }

    /// How long a server may be away that nobody is connected to: a restart takes moments.
    static let absenceSecondsMax = 15.0
    /// How long a server may be silent that is there: it reads a large text, or a disk hangs.
    static let silenceSecondsMax = 600.0
    private static let lookSeconds = 0.5

    /// Where the server was last.
    public private(set) var endpoint: Endpoint
    /// The last that it said.
    public private(set) var last: RunStatus
    private var feed: StatusFeed
    private let intervalSeconds: Double
    private var keys: CurveRole?
    private let knownDirectory: String?
    private var nextLook = 0.0
    private var heardAt = MonotonicClock.seconds
    /// When the connection was last seen.
    private var connectedAt = MonotonicClock.seconds

    /// Begins with the first look, which has the deadline of a single question.
    ///
    /// - Parameter directory: the run's directory, if it is known; else the one that the server names is looked at.
    /// - Throws: `ClientError`.
    public init(
        _ endpoint: Endpoint, directory: String? = nil, intervalSeconds: Double, keys: CurveRole? = nil
    ) throws(ClientError) {
        knownDirectory = directory
        last = try ServerClient(endpoint, keys: keys).status()
        feed = try StatusFeed(endpoint, intervalSeconds: intervalSeconds, keys: keys)
        self.endpoint = endpoint
        self.intervalSeconds = intervalSeconds
        self.keys = keys
    }

    /// What is new, if anything is within the time.
    ///
    /// - Throws: `ClientError.noAnswer` when the server does not come back.
    public func next(withinMilliseconds milliseconds: Int) throws(ClientError) -> News {
        let status = try feed.next(withinMilliseconds: milliseconds)
        let now = MonotonicClock.seconds
        if let status {
            last = status
            heardAt = now
        }
        if feed.isConnected { connectedAt = now }
        if let ending = feed.ending { return .ended(recorded ?? ending) }
        if let status { return .status(status) }
        let silence = now - heardAt
        if now >= nextLook, silence > max(1, intervalSeconds * 1.5) {
            nextLook = now + Self.lookSeconds
            let isGone = now - connectedAt > Self.absenceSecondsMax
            // A supervisor takes some ends for a pause.
            if let recorded, recorded.exitCode != RunEnding.resumedExitCode || isGone { return .ended(recorded) }
            if isGone || silence > Self.silenceSecondsMax { throw .noAnswer(endpoint, seconds: silence.rounded()) }
            try follow()
        }
        return .silent(seconds: silence)
    }

    private var directory: String? {
        knownDirectory ?? (last.outputDirectory.isEmpty ? nil : last.outputDirectory)
    }

    /// The end on record in the run's directory, if it is this run's.
    private var recorded: RunEnding? {
        guard let directory, let found = RunEnding(inDirectory: directory), feed.run.isEmpty || found.run == feed.run
        else { return nil }
        return found
    }

    /// Looks where the server is by now.
    private func follow() throws(ClientError) {
        guard !feed.isConnected, let directory else { return }
        var access = (try? RunAccess.read(inDirectory: directory)) ?? nil
        if access == nil, let text = RunEnding.endpointText(inDirectory: directory),
            let found = try? Endpoint(typed: text)
        {
            access = RunAccess(endpoint: found, keys: keys)
        }
        guard let access, access.endpoint != endpoint || access.keys != keys else { return }
        (endpoint, keys) = (access.endpoint, access.keys)
        feed = try StatusFeed(endpoint, intervalSeconds: intervalSeconds, keys: keys)
    }
}
