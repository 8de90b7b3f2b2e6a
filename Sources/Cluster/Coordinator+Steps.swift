// From one version of the weights to the next.

import Numerics

extension Coordinator {
    mutating func startIfGathered(now: Double) -> [CoordinatorAction] {
        guard case .gathering(let since) = phase else { return [] }
        let isComplete = version >= rules.totalSteps && (lastEvaluated == version || !rules.evaluates(at: version))
        if isComplete { return proceed(now: now) }
        guard let since, !workers.isEmpty else { return [] }
        let patient = now - since < rules.gatheringLimitSeconds
        guard workers.count >= rules.expectedWorkers || !patient else { return [] }
        return proceed(now: now)
    }

    /// Goes on from a version whose weights are complete: evaluation, checkpoint, end, or the next step.
    mutating func proceed(now: Double) -> [CoordinatorAction] {
        if rules.evaluates(at: version) && lastEvaluated != version {
            phase = .evaluating
            return divideAll()
        }
        var actions: [CoordinatorAction] = []
        if phase == .applying || phase == .evaluating, rules.checkpoints(at: version) {
            actions.append(.checkpoint(version: version))
        }
        if version >= rules.totalSteps {
            phase = .finished(.completed)
            return actions + [.finish(.completed)]
        }
        phase = .training
        return actions + divideAll()
    }

    mutating func divideAll() -> [CoordinatorAction] {
        outcomes = [:]
        unassigned = [tree.root]
        var actions: [CoordinatorAction] = []
        for worker in workers.keys.sorted() where workers[worker]?.sent == nil {
            // It joined while the step was being applied.
            if workers[worker]?.isBehind == false { actions += sendWeights(worker) }
        }
        return actions + assignSpans()
    }

    /// Leases the spans that nobody holds to the workers that are free and have (or will have) the weights.
    mutating func assignSpans() -> [CoordinatorAction] {
        let free = workers.filter { $0.value.lease == nil && $0.value.sent == version }.keys.sorted {
            (workers[$0]?.name ?? "", $0) < (workers[$1]?.name ?? "", $1)
        }
        guard !free.isEmpty, !unassigned.isEmpty else { return [] }
        var actions: [CoordinatorAction] = []
        var waiting = free[...]
        unassigned.sort()
        while let span = unassigned.first, !waiting.isEmpty {
            unassigned.removeFirst()
            // The last span left is shared by all who are free; otherwise one each.
            let takers = unassigned.isEmpty ? Array(waiting) : [waiting[waiting.startIndex]]
            waiting = waiting.dropFirst(takers.count)
            let parts = SpanPlan.divide(span, weights: takers.map { _ in 1 })
            for (worker, part) in zip(takers, parts) {
                guard let part else { continue }
                let work: Work = phase == .evaluating ? .evaluation : .training
                let lease = Lease(identifier: nextLease, work: work, step: version, span: part)
                nextLease += 1
                workers[worker]?.lease = lease
                actions.append(.grant(worker, lease))
            }
        }
        return actions
    }

    mutating func complete(
        _ worker: WorkerIdentifier, lease identifier: Int, outcomes delivered: [ShardOutcome], now: Double
    ) -> [CoordinatorAction] {
        workers[worker]?.lastHeard = now
        guard let lease = workers[worker]?.lease, lease.identifier == identifier else { return [] }
        guard delivered.map(\.shard) == Array(lease.span.indices) else {
            return release(worker, reason: "reported other shards than those of its lease")
        }
        workers[worker]?.lease = nil
        if lease.work == .training { workers[worker]?.completedSteps += 1 }
        for outcome in delivered { outcomes[outcome.shard] = outcome }
        guard outcomes.count == rules.shards else { return assignSpans() }
        switch phase {
        case .training:
            phase = .summing
            return [.awaitSums(step: version)]
        case .evaluating:
            lastEvaluated = version
            return [.evaluated(version: version, outcome: outcome)] + proceed(now: now)
        case .gathering, .summing, .applying, .finished:
            preconditionFailure("a lease was completed in phase \(phase)")
        }
    }

    /// The sum over all shards, which are all done.
    var outcome: StepOutcome {
        StepOutcome(summing: (0..<rules.shards).compactMap { outcomes[$0] }, along: tree)
    }

    /// The workers that get the changes of this step. One that has not acknowledged the version before is not sent more
    /// (its queue would grow without bound): it gets everything once it has caught up.
    mutating func takeRecipients() -> [WorkerIdentifier] {
        var recipients: [WorkerIdentifier] = []
        for worker in workers.keys.sorted() {
            guard let record = workers[worker] else { continue }
            if record.sent == version, record.acknowledged == version {
                workers[worker]?.sent = version + 1
                recipients.append(worker)
            } else {
                workers[worker]?.isBehind = record.isBehind || record.sent != nil
                workers[worker]?.sent = nil
            }
        }
        return recipients
    }

    /// The shell could not apply the step: the run ends with the weights before it.
    public mutating func fail(reason: String) -> [CoordinatorAction] {
        precondition(phase == .applying, "only the application of a step can fail this way")
        return end(.failed(reason: "step \(version): \(reason)"))
    }

    mutating func end(_ end: RunEnd) -> [CoordinatorAction] {
        // A step in progress is dropped; it is computed again after a resume.
        let hasProgress = version > 0
        phase = .finished(end)
        return (hasProgress ? [.checkpoint(version: version)] : []) + [.finish(end)]
    }
}
