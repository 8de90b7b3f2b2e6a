// Workers that are late: a second worker gets the same span, and the first result counts.

import Numerics

extension Coordinator {
    /// A span is late after this many times the usual duration of a step …
    private static let latenessFactor = 2.0
    /// … and no earlier than this, which keeps tiny steps from being computed twice for a hiccup.
    private static let latenessSecondsMin = 0.1
    /// So many steps must have been seen before one can be called late; evaluations are rare and alike.
    private static let stepsMin = 3

    /// A worker that has not delivered a lease by then is given up, though its heart beats: it hangs.
    func leaseLimitSeconds(_ work: Work) -> Double {
        guard let usual = usualDurations[work]?.median(countMin: 1) else { return rules.firstLeaseLimitSeconds }
        return max(rules.leaseLimitSeconds, 20 * usual)
    }

    /// Leases late spans to idle workers as well (backup tasks, as in Dean and Ghemawat 2004, section 3.6). Both
    /// compute the same bits, so it does not matter whose gradients arrive first, nor if some are the one's and some
    /// the other's.
    mutating func speculate(now: Double) -> [CoordinatorAction] {
        guard phase == .evaluating || (phase == .training && flow == nil) else { return [] }
        let work: Work = phase == .evaluating ? .evaluation : .training
        guard
            let usual = usualDurations[work]?.median(countMin: work == .training ? Self.stepsMin : 1)
        else { return [] }
        let limit = max(Self.latenessSecondsMin, Self.latenessFactor * usual)
        var actions: [CoordinatorAction] = []
        var idle = idleWorkers[...]
        let holders = workers.sorted { ($0.value.leasedAt, $0.key) < ($1.value.leasedAt, $1.key) }
        for (holder, record) in holders {
            guard let lease = record.lease, now - record.leasedAt > limit, !record.isSpeculative,
                !workers.contains(where: { $0.key != holder && $0.value.lease?.span == lease.span }),
                let helper = idle.popFirst(), mayCompute(lease.span, helper)
            else { continue }
            statistics.speculations += 1
            actions += grant(lease.span, to: helper, isSpeculative: true, now: now)
        }
        return actions
    }

    /// A span is done: whoever else computes it does so in vain.
    mutating func retireOthers(holding span: ShardRange) {
        for (worker, record) in workers where record.lease?.span == span {
            workers[worker]?.late = record.lease
            workers[worker]?.lease = nil
        }
    }

    /// A worker has computed a lease in vain, and can take another.
    mutating func noteLate(_ worker: WorkerIdentifier, lease identifier: Int, now: Double) -> [CoordinatorAction] {
        workers[worker]?.lastHeard = now
        guard let record = workers[worker], let late = record.late, late.identifier == identifier else { return [] }
        workers[worker]?.late = nil
        noteSpeed(worker, late, since: record.leasedAt, now: now)
        statistics.lateResults += 1
        if flow != nil, phase == .training { return beginUpdates(now: now) }
        return phase == .training || phase == .evaluating ? assignSpans(now: now) : []
    }
}

/// What a coordinator has seen happen.
public struct CoordinatorStatistics: Sendable, Equatable {
    /// Late spans that were leased to a second worker.
    public var speculations = 0
    /// Of these, the ones that the second worker delivered first.
    public var speculationsWon = 0
    /// Leases that were delivered after another worker had delivered the span.
    public var lateResults = 0
    /// Leases of workers that died, left or were given up.
    public var leasesReturned = 0
    /// Results that could not be used, and were computed again.
    public var resultsDoubted = 0
    /// Of these, the ones that were sound when they were computed again: a worker was wrong.
    public var resultsContradicted = 0
    /// Workers that were let go of and kept out for a while.
    public var workersExpelled = 0
    /// Without common steps: how many updates were applied whose weights were so many versions behind.
    public var staleness: [Int: Int] = [:]
}
