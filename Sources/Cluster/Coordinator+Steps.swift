// From one version of the weights to the next.

import Numerics

extension Coordinator {
    mutating func startIfGathered(now: Double) -> [CoordinatorAction] {
        guard case .gathering(let since) = phase else { return [] }
        let isComplete = step >= rules.totalSteps && (lastEvaluated == step || !rules.evaluates(at: step))
        if isComplete { return proceed(now: now) }
        guard let since, !workers.isEmpty else { return [] }
        let patient = now - since < rules.gatheringLimitSeconds
        guard workers.count >= rules.expectedWorkers || !patient else { return [] }
        return proceed(now: now)
    }

    /// Goes on from weights that are complete: evaluation, checkpoint, end, or the next step.
    mutating func proceed(now: Double) -> [CoordinatorAction] {
        // Without common steps the run may have been resumed while shards were apart.
        let allMeet = flow?.positions.allSatisfy { $0 == step } ?? true
        if allMeet, rules.evaluates(at: step) && lastEvaluated != step {
            phase = .evaluating
            return divideAll(now: now)
        }
        var actions: [CoordinatorAction] = []
        if !isGathering, rules.checkpoints(at: step) { actions.append(.checkpoint(version: step)) }
        if step >= rules.totalSteps {
            phase = .finished(.completed)
            return actions + [.finish(.completed)]
        }
        phase = .training
        return actions + (flow == nil ? divideAll(now: now) : beginUpdates(now: now))
    }

    private var isGathering: Bool { if case .gathering = phase { true } else { false } }

    mutating func divideAll(now: Double) -> [CoordinatorAction] {
        outcomes = [:]
        deliveries = []
        unassigned = [tree.root]
        dividedAt = now
        var actions: [CoordinatorAction] = []
        for (worker, record) in workers.sorted(by: { $0.key < $1.key }) where record.sent != version {
            // It joined while the step was being applied; or gets weights only when it needs them.
            if !record.isBehind { actions += sendWeights(worker) }
        }
        return actions + assignSpans(now: now)
    }

    /// Whether the outcome of a lease is still waited for.
    func isNeeded(_ lease: Lease) -> Bool {
        lease.version == version && (phase == .training || phase == .evaluating) && outcomes[lease.span.lower] == nil
    }

    /// Whether a worker computes a span.
    func isHeld(_ span: ShardRange) -> Bool { workers.values.contains { $0.lease?.span == span } }

    /// The workers that can take a lease, in the order of their names.
    var idleWorkers: [WorkerIdentifier] {
        workers.filter { $0.value.isIdle && $0.value.sent == version }.keys.sorted {
            (workers[$0]?.name ?? "", $0) < (workers[$1]?.name ?? "", $1)
        }
    }

    /// Leases the spans that nobody holds to the workers that are free and have (or will have) the weights.
    mutating func assignSpans(now: Double) -> [CoordinatorAction] {
        var waiting = idleWorkers[...]
        guard !waiting.isEmpty, !unassigned.isEmpty else { return [] }
        var actions: [CoordinatorAction] = []
        unassigned.sort()
        var disputed: [ShardRange] = []
        if !disputes.isEmpty { (actions, waiting, disputed) = assignDisputed(to: waiting, now: now) }
        defer { unassigned += disputed }
        while let span = unassigned.first, !waiting.isEmpty {
            unassigned.removeFirst()
            // The last span left is shared by all who are free; otherwise one each.
            let takers = unassigned.isEmpty ? Array(waiting) : [waiting[waiting.startIndex]]
            waiting = waiting.dropFirst(takers.count)
            for (worker, part) in zip(takers, divide(span, among: takers)) {
                if let part { actions += grant(part, to: worker, now: now) }
            }
        }
        return actions
    }

    /// Divides a span by the speeds that workers have shown.
    private mutating func divide(_ span: ShardRange, among takers: [WorkerIdentifier]) -> [ShardRange?] {
        let measured = takers.compactMap { workers[$0]?.speed.shardsPerSecond }
        let usual = measured.isEmpty ? 1 : measured.reduce(0, +) / Double(measured.count)
        let speeds = takers.map { workers[$0]?.speed.shardsPerSecond ?? usual }
        let isStep = phase == .training && span == tree.root
        let parts = SpanPlan.divide(
            span, speeds: speeds, previous: isStep ? takers.map { workers[$0]?.lastShare ?? 0 } : [])
        guard isStep else { return parts }
        for (worker, part) in zip(takers, parts) {
            workers[worker]?.lastShare = part?.count ?? 0
            if part == nil { workers[worker]?.speed.noteIdleStep() }
        }
        return parts
    }

    /// Leases a span to a worker.
    mutating func grant(
        _ span: ShardRange, to worker: WorkerIdentifier, isSpeculative: Bool = false, now: Double
    ) -> [CoordinatorAction] {
        let work: Work = phase == .evaluating ? .evaluation : .training
        let lease = Lease(
            identifier: nextLease, work: work, step: step, span: span, version: version, sum: version)
        nextLease += 1
        workers[worker]?.lease = lease
        workers[worker]?.leasedAt = now
        workers[worker]?.isSpeculative = isSpeculative
        return [.grant(worker, lease)]
    }

    mutating func complete(
        _ worker: WorkerIdentifier, lease identifier: Int, outcomes delivered: [ShardOutcome], now: Double
    ) -> [CoordinatorAction] {
        workers[worker]?.lastHeard = now
        guard let record = workers[worker], let lease = record.lease, lease.identifier == identifier else { return [] }
        guard delivered.map(\.shard) == Array(lease.span.indices) else {
            return handle(
                .workerGone(worker, reason: "reported other shards than those of its lease"), now: now)
        }
        workers[worker]?.lease = nil
        noteSpeed(worker, lease, since: record.leasedAt, now: now)
        if let evidence = ResultEvidence(delivered) { return doubt(worker, lease, evidence, now: now) }
        if lease.work == .training { workers[worker]?.completedSteps += 1 }
        if flow != nil, lease.work == .training {
            return completeUpdate(lease, outcomes: delivered, since: record.leasedAt, now: now)
        }
        if record.isSpeculative { statistics.speculationsWon += 1 }
        retireOthers(holding: lease.span)
        deliveries.append(Delivery(worker: worker, lease: lease))
        for outcome in delivered { outcomes[outcome.shard] = outcome }
        guard outcomes.count == rules.shards else { return assignSpans(now: now) }
        usualDurations[lease.work, default: UsualDuration()].note(seconds: now - dividedAt)
        switch phase {
        case .training:
            phase = .summing
            return [.awaitSums(step: version)]
        case .evaluating:
            lastEvaluated = step
            let settled = settle(by: deliveries, now: now)
            return settled + [.evaluated(version: step, outcome: outcome)] + proceed(now: now)
        case .gathering, .summing, .applying, .finished:
            preconditionFailure("a lease was completed in phase \(phase)")
        }
    }

    /// A worker has nothing usable to deliver for its lease, and can take another.
    mutating func giveUp(
        _ worker: WorkerIdentifier, _ lease: Lease, _ evidence: ResultEvidence, now: Double
    ) -> [CoordinatorAction] {
        workers[worker]?.lastHeard = now
        workers[worker]?.lease = nil
        return doubt(worker, lease, evidence, now: now)
    }

    /// Learns how fast a worker is from a lease that it has just delivered.
    mutating func noteSpeed(_ worker: WorkerIdentifier, _ lease: Lease, since: Double, now: Double) {
        guard lease.work == .training else { return }
        workers[worker]?.speed.note(shards: lease.span.count, seconds: now - since)
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

    /// The shell could not apply the step or update: the run ends with the weights before it.
    public mutating func fail(reason: String) -> [CoordinatorAction] {
        precondition(isApplying, "only the application of a step can fail this way")
        return finish(.failed(reason: "step \(step): \(reason)"))
    }

    private var isApplying: Bool { phase == .applying || flow?.applying != nil }

    /// Ends the run, now or as soon as all partitions hold one version.
    mutating func end(_ end: RunEnd) -> [CoordinatorAction] {
        guard isApplying else { return finish(end) }
        endOnceApplied = end
        return []
    }

    private mutating func finish(_ end: RunEnd) -> [CoordinatorAction] {
        // A step in progress is dropped; it is computed again after a resume.
        let hasProgress = version > 0
        phase = .finished(end)
        return (hasProgress ? [.checkpoint(version: step)] : []) + [.finish(end)]
    }
}
