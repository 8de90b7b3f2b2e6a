// The modes `bounded` and `asynchronous`: every worker's gradients are an update of their own.

import Numerics

extension Coordinator {
    /// The next step at which all shards meet, for an evaluation or the end of the run.
    private var barrier: Int {
        var step = lastMeeting + 1
        while step < rules.totalSteps, !rules.evaluates(at: step) { step += 1 }
        return min(step, rules.totalSteps)
    }

    /// Begins updates with all workers that are idle.
    mutating func beginUpdates(now: Double) -> [CoordinatorAction] {
        guard let flow, phase == .training, flow.applying == nil else { return [] }
        var actions: [CoordinatorAction] = []
        let idle = workers.filter { $0.value.isIdle && !$0.value.isBehind }.keys.sorted {
            (workers[$0]?.name ?? "", $0) < (workers[$1]?.name ?? "", $1)
        }
        for worker in idle {
            guard let flow = self.flow, flow.mayBegin(version: version) else { break }
            guard let (node, step) = nextUpdate(of: worker, flow) else { continue }
            if workers[worker]?.sent != version { actions += sendWeights(worker) }
            let lease = Lease(
                identifier: nextLease, work: .training, step: step, span: node, version: version, sum: nextLease)
            nextLease += 1
            workers[worker]?.lease = lease
            workers[worker]?.leasedAt = now
            self.flow?.begin(lease, by: worker)
            actions.append(.grant(worker, lease))
        }
        return actions
    }

    /// What a worker shall compute next: shards in dispute first, if they are not its own; else those furthest behind.
    private func nextUpdate(of worker: WorkerIdentifier, _ flow: UpdateFlow) -> (node: ShardRange, step: Int)? {
        for dispute in disputes where mayCompute(dispute.span, worker) {
            if flow.isFree(dispute.span, step: dispute.step) { return (dispute.span, dispute.step) }
        }
        guard mayCompute(tree.root, worker) else { return nil }
        return flow.next(
            shards: usualShare(of: worker), barrier: barrier, besides: Set(disputes.flatMap { Array($0.span.indices) }))
    }

    /// The shards that a worker should take at once, by its part in the speed of all.
    private func usualShare(of worker: WorkerIdentifier) -> Int {
        // In one order, so that sums have the same bits in every process.
        let speeds = workers.sorted { $0.key < $1.key }.map(\.value.speed.shardsPerSecond)
        let measured = speeds.compactMap { $0 }
        let usual = measured.isEmpty ? 1 : measured.reduce(0, +) / Double(measured.count)
        let all = speeds.reduce(0) { $0 + ($1 ?? usual) }
        let own = workers[worker]?.speed.shardsPerSecond ?? usual
        return max(1, Int((Double(rules.shards) * own / all).rounded()))
    }

    /// A worker has computed its update; its gradients may be on their way to a partition yet.
    mutating func completeUpdate(_ lease: Lease, outcomes: [ShardOutcome], since: Double, now: Double)
        -> [CoordinatorAction]
    {
        usualDurations[.training, default: UsualDuration()].note(seconds: now - since)
        flow?.noteOutcomes(outcomes, lease: lease.identifier)
        return [.awaitSums(step: lease.sum)] + beginUpdates(now: now)
    }

    /// All partitions have summed an update.
    mutating func noteSummed(_ sum: Int) -> [CoordinatorAction] {
        flow?.noteSummed(lease: sum)
        return applyNextUpdate()
    }

    /// Has the shell apply the next update that may be.
    mutating func applyNextUpdate() -> [CoordinatorAction] {
        guard phase == .training, let update = flow?.takeApplicable(version: version) else { return [] }
        return [.applyUpdate(update)]
    }

    /// The update that was being applied is in the weights.
    mutating func noteUpdateApplied(now: Double) -> [CoordinatorAction] {
        let stepBefore = step
        guard let update = flow?.noteApplied() else { return [] }
        version += 1
        statistics.staleness[update.staleness, default: 0] += 1
        let settled = settle(by: [Delivery(worker: update.worker, lease: update.lease)], now: now)
        if let endOnceApplied { return settled + end(endOnceApplied) }
        if step == barrier, let flow, flow.positions.allSatisfy({ $0 == step }) {
            lastMeeting = step
            return settled + proceed(now: now)
        }
        var actions = settled
        if step > stepBefore, rules.checkpoints(at: step) { actions.append(.checkpoint(version: step)) }
        return actions + applyNextUpdate() + beginUpdates(now: now)
    }

    /// A worker has gone: an update whose gradients are not all there will not come.
    mutating func dropUpdate(of lease: Lease) { flow?.drop(lease: lease.identifier) }
}
