// Whom a server waits for, and how long it goes on alone.

import Cluster
import Platform

/// How long no worker has been there.
struct Solitude {
    /// Seconds until the first warning; each further one comes after twice the time.
    static let firstWarningSeconds = 30.0

    var since: Double?
    var warnAfterSeconds = firstWarningSeconds
    /// Whether there was a worker in this life of the server.
    var hadCompany = false

    /// "no worker has joined for 30 s"
    func description(now: Double) -> String {
        let seconds = Int((now - (since ?? now)).rounded())
        return hadCompany ? "all workers have been gone for \(seconds) s" : "no worker has joined for \(seconds) s"
    }
}

extension ParameterServer {
    /// Without workers: says so now and then, and ends the run in order when the patience is over.
    func watchSolitude(now: Double) {
        guard end == nil, coordinator.workerViews.isEmpty else {
            if !coordinator.workerViews.isEmpty { solitude = Solitude(hadCompany: true) }
            return
        }
        let since = solitude.since ?? now
        solitude.since = since
        if now - since >= options.patienceSeconds, application == nil {
            let step = coordinator.step
            abandonment =
                "\(solitude.description(now: now)), and --patience is \(Self.seconds(options.patienceSeconds)) s; "
                + (step > 0 ? "the checkpoint of step \(step) is written, --resume goes on from it" : "nothing is lost")
            carryOut(.stopRequested)
        } else if now - since >= solitude.warnAfterSeconds {
            solitude.warnAfterSeconds *= 2
            logger.warning(
                "\(solitude.description(now: now)); start one with: rondo-worker --connect \(peers.advertised)",
                metadata: ["patience": "\(Self.seconds(options.patienceSeconds)) s"])
        }
    }

    private static func seconds(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }

    /// How long something may take before a status says that it is waited for.
    private static let worthSayingSeconds = 2.0

    /// Whom the run waits for, in words; empty if nobody is slow.
    func waitingFor(now: Double) -> String {
        if let busyness { return "the server: \(busyness), for \(Int(now - busySince)) s" }
        let views = coordinator.workerViews
        switch coordinator.phase {
        case .finished: return ""
        case .gathering, .training, .evaluating:
            guard !views.isEmpty else {
                return "a worker (\(solitude.description(now: now))); start one with: rondo-worker --connect "
                    + "\(peers.advertised)"
            }
            if case .gathering = coordinator.phase {
                let missing = coordinator.rules.expectedWorkers - views.count
                return missing > 0 ? "\(missing) of \(Counted.text(coordinator.rules.expectedWorkers, "worker"))" : ""
            }
            let slow = views.compactMap { view -> String? in
                guard let lease = view.lease, let began = members[view.identifier]?.leaseBegan,
                    now - began > Self.worthSayingSeconds
                else { return nil }
                return "worker \(view.name): shards \(lease.span.lower)..<\(lease.span.upper) of step \(lease.step), "
                    + "for \(Int(now - began)) s"
            }
            return ((coordinator.disputeText.map { [$0] } ?? []) + slow).prefix(3).joined(separator: "; ")
        case .summing:
            let lacking = partitions.lacking(coordinator.version).map(\.text)
            return lacking.isEmpty
                ? "" : "gradients of step \(coordinator.step) at \(lacking.joined(separator: ", "))"
        case .applying:
            guard let application else { return "" }
            let slow = partitions.links.filter { $0.version == application.version }.map(\.endpoint.text)
            return slow.isEmpty
                ? "" : "version \(application.version + 1) to be applied by \(slow.joined(separator: ", "))"
        }
    }
}
