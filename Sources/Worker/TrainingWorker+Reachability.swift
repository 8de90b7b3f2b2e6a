// Why a worker does not reach its server: found out while it goes on trying.

import Messaging
import Platform

/// What is known of a server that was not reached.
struct Reachability {
    /// How long a connection may take before somebody looks why.
    static let patienceSeconds = 1.5
    /// The time between two looks.
    static let intervalSeconds = 10.0
    /// How long a look may take.
    static let lookMilliseconds = 1000

    /// Since when there has been no connection; `nil` while there is one.
    var since: Double?
    var nextLook = 0.0
    /// What the last look found.
    var finding: ProbeFinding?
}

extension TrainingWorker {
    /// Says why there is no connection, as soon as that is known and whenever it changes. The worker goes on trying.
    func watchReachability() {
        guard let server = connections?.server, !server.isGreeted else { return reachability = Reachability() }
        let now = MonotonicClock.seconds
        let since = reachability.since ?? now
        reachability.since = since
        guard now - since > Reachability.patienceSeconds, now >= reachability.nextLook else { return }
        let finding = options.endpoint.probe(withinMilliseconds: Reachability.lookMilliseconds)
        reachability.nextLook = now + Reachability.intervalSeconds
        guard finding != reachability.finding else { return }
        reachability.finding = finding
        guard let explanation = finding?.explanation(options.endpoint) else { return }
        logger.warning("no connection yet: \(explanation)", metadata: ["patience": "\(Int(options.patienceSeconds)) s"])
    }
}
