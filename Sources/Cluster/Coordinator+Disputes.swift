// Bad worker or bad data: a result that cannot be used is computed again, by another worker.

import Numerics

extension Coordinator {
    /// A span in dispute, and who disputes it, in words for people; `nil` if there is none.
    public var disputeText: String? {
        disputes.first.map { dispute in
            "another worker: \(dispute.span.text) of step \(dispute.step + 1) gave nothing usable at "
                + dispute.claims.map(\.name).joined(separator: ", ")
        }
    }

    /// Why a worker that bears any of these names is not let in; `nil` if it may come.
    public func refusal(of names: [String], now: Double) -> String? { exclusions.refusal(names, now: now) }

    /// Whether a worker has given a result that nobody has confirmed or contradicted yet.
    private func isSetAside(_ record: WorkerRecord) -> Bool {
        disputes.contains { $0.wasComputed(by: record.process) }
    }

    /// Whether a worker may be given a span: one in dispute goes to a worker that has not computed it. Whose word is
    /// doubted gets nothing else meanwhile, unless that is true of all.
    func mayCompute(_ span: ShardRange, _ worker: WorkerIdentifier) -> Bool {
        guard !disputes.isEmpty, let record = workers[worker], isSetAside(record) else { return true }
        guard workers.values.allSatisfy(isSetAside) else { return false }
        guard let dispute = disputes.first(where: { $0.span == span }) else { return true }
        return dispute.mayRepeat || !dispute.wasComputed(by: record.process)
    }

    /// Leases each span in dispute as it is, to a worker that may compute it.
    ///
    /// - Returns: Who is left to take other spans, and the spans in dispute that nobody can take now, which are no
    ///   longer among the unassigned ones.
    mutating func assignDisputed(
        to idle: ArraySlice<WorkerIdentifier>, now: Double
    ) -> (actions: [CoordinatorAction], waiting: ArraySlice<WorkerIdentifier>, left: [ShardRange]) {
        var actions: [CoordinatorAction] = []
        var waiting = Array(idle)
        var left: [ShardRange] = []
        for span in unassigned where isDisputed(span) {
            if let place = waiting.firstIndex(where: { mayCompute(span, $0) }) {
                actions += grant(span, to: waiting.remove(at: place), now: now)
            } else {
                left.append(span)
            }
        }
        unassigned.removeAll(where: isDisputed)
        return (actions, waiting.filter { mayCompute(tree.root, $0) }[...], left)
    }

    private func isDisputed(_ span: ShardRange) -> Bool { disputes.contains { $0.span == span } }

    // MARK: - Claims

    /// A worker's result for a lease cannot be used.
    mutating func doubt(
        _ worker: WorkerIdentifier, _ lease: Lease, _ evidence: ResultEvidence, now: Double
    ) -> [CoordinatorAction] {
        guard let record = workers[worker] else { return [] }
        let claim = Dispute.Claim(worker: worker, name: record.name, process: record.process, evidence: evidence)
        let index = disputes.firstIndex { $0.concerns(lease) } ?? disputes.count
        if index == disputes.count {
            disputes.append(Dispute(work: lease.work, step: lease.step, span: lease.span, since: now))
        }
        // The same result may show in several ways, and be told by several partitions.
        let isRepetition = disputes[index].wasComputed(by: record.process)
        if isRepetition, !disputes[index].mayRepeat { return [] }
        let agreeing = disputes[index].claims.first { $0.evidence.agrees(with: evidence) }
        disputes[index].since = now
        disputes[index].mayRepeat = false
        if !isRepetition { disputes[index].claims.append(claim) }
        statistics.resultsDoubted += 1
        let warning = CoordinatorAction.warned(
            worker, reason: "step \(lease.step + 1): \(evidence.text(of: lease.span)); it is computed again")
        if agreeing != nil || isRepetition { return [warning] + end(diverged(disputes[index], evidence)) }
        return [warning]
            + (flow != nil && lease.work == .training
                ? reopen(lease, of: worker, now: now) : restart(now: now))
    }

    private func diverged(_ dispute: Dispute, _ evidence: ResultEvidence) -> RunEnd {
        // A loss says more than the gradient that came with it.
        let losses = dispute.claims.map(\.evidence).first { if case .losses = $0 { true } else { false } }
        return .diverged(
            Divergence(
                step: dispute.step, work: dispute.work, span: dispute.span, evidence: losses ?? evidence,
                workers: dispute.claims.map(\.name)))
    }

    /// Something that a worker sent to whoever sums the gradients cannot be used: finds the lease that it belongs to.
    mutating func doubtGradient(
        _ worker: WorkerIdentifier, sum: Int, shard: Int, now: Double
    ) -> [CoordinatorAction] {
        if flow != nil {
            guard let update = flow?.update(lease: sum), update.worker == worker else { return [] }
            return doubt(worker, update.lease, .gradient, now: now)
        }
        guard phase == .training || phase == .summing, sum == version else { return [] }
        let delivered = deliveries.first { $0.worker == worker && $0.lease.span.indices.contains(shard) }?.lease
        guard let lease = workers[worker]?.lease.flatMap({ $0.work == .training ? $0 : nil }) ?? delivered
        else { return [] }
        return doubt(worker, lease, .gradient, now: now)
    }

    /// All gradients are there, and their sum is no number, or none that can be used. Without common steps it is one
    /// worker's; else the step is computed again while every part of it is looked at.
    mutating func noteUnusableSum(_ sum: Int, now: Double) -> [CoordinatorAction] {
        if flow != nil {
            guard let update = flow?.update(lease: sum) else { return [] }
            return doubt(update.worker, update.lease, .gradient, now: now)
        }
        guard phase == .summing, sum == version else { return [] }
        statistics.resultsDoubted += 1
        return restart(now: now)
    }

    // MARK: - Computing again

    /// The present step, or evaluation, begins anew: nothing that was sent for it counts, for nobody knows what else
    /// of it is wrong.
    mutating func restart(now: Double) -> [CoordinatorAction] {
        for (worker, record) in workers {
            guard let lease = record.lease else { continue }
            workers[worker]?.late = lease
            workers[worker]?.lease = nil
        }
        outcomes = [:]
        deliveries = []
        dividedAt = now
        unassigned = pieces()
        guard phase != .evaluating else { return assignSpans(now: now) }
        phase = .training
        let setAside = workers.filter { isSetAside($0.value) }.keys.sorted()
        let refused = setAside.count < workers.count ? setAside : []
        return [.restartSum(version, refusing: refused)] + assignSpans(now: now)
    }

    /// The spans in dispute as they are, and what is between them.
    private func pieces() -> [ShardRange] {
        var pieces: [ShardRange] = []
        var next = 0
        for span in disputes.map(\.span).sorted() where span.lower >= next {
            if span.lower > next { pieces.append(ShardRange(next, span.lower)) }
            pieces.append(span)
            next = span.upper
        }
        if next < rules.shards { pieces.append(ShardRange(next, rules.shards)) }
        return pieces
    }

    /// Without common steps: the shards of a lease are free again.
    private mutating func reopen(_ lease: Lease, of worker: WorkerIdentifier, now: Double) -> [CoordinatorAction] {
        if workers[worker]?.lease == lease {
            workers[worker]?.late = lease
            workers[worker]?.lease = nil
        }
        dropUpdate(of: lease)
        return [.dropSum(lease.sum)] + applyNextUpdate() + beginUpdates(now: now)
    }

    /// Time has passed: where nobody else can compute a span in dispute, whoever claimed it does so again; if several
    /// did, and none found what another one found, there is nobody to ask.
    mutating func watchDisputes(now: Double) -> [CoordinatorAction] {
        guard !disputes.isEmpty, !workers.isEmpty, phase == .training || phase == .evaluating else { return [] }
        for (index, dispute) in disputes.enumerated() where now - dispute.since > rules.secondOpinionSeconds {
            let isHeld = workers.values.contains { $0.lease.map { dispute.concerns($0) } ?? false }
            guard !isHeld, !dispute.mayRepeat, !workers.keys.contains(where: { mayCompute(dispute.span, $0) }) else {
                continue
            }
            if dispute.claims.count > 1 { return end(diverged(dispute, dispute.claims[0].evidence)) }
            disputes[index].since = now
            disputes[index].mayRepeat = true
            return flow != nil && dispute.work == .training ? beginUpdates(now: now) : restart(now: now)
        }
        return []
    }

    // MARK: - The end of a dispute

    /// Somebody has computed what was in dispute, and it is sound: who claimed otherwise is let go of and kept out.
    mutating func settle(by deliveries: [Delivery], now: Double) -> [CoordinatorAction] {
        guard !disputes.isEmpty else { return [] }
        func isSettled(_ dispute: Dispute) -> Bool { deliveries.contains { dispute.concerns($0.lease) } }
        let settled = disputes.filter(isSettled)
        disputes.removeAll(where: isSettled)
        var actions: [CoordinatorAction] = []
        for dispute in settled {
            let deliverers = deliveries.filter { dispute.concerns($0.lease) }.compactMap { workers[$0.worker]?.process }
            for claim in dispute.claims {
                statistics.resultsContradicted += 1
                let place = "step \(dispute.step + 1): \(claim.evidence.text(of: dispute.span))"
                if deliverers.contains(claim.process) {
                    actions.append(.warned(claim.worker, reason: "\(place); a second computation by itself is sound"))
                } else {
                    actions += expel(
                        claim.worker, name: claim.name, process: claim.process,
                        reason: "\(place); another worker's result is sound", now: now)
                }
            }
        }
        return actions
    }

    /// Lets go of a worker and keeps it out for a while.
    private mutating func expel(
        _ worker: WorkerIdentifier, name: String, process: String, reason: String, now: Double
    ) -> [CoordinatorAction] {
        exclusions.add([process, name], reason: reason, now: now)
        var actions: [CoordinatorAction] = []
        for (other, record) in workers.sorted(by: { $0.key < $1.key })
        where other == worker || record.process == process {
            statistics.workersExpelled += 1
            let farewell = CoordinatorAction.expelled(other, reason: reason)
            if flow != nil, record.lease?.work == .training {
                actions += release(other, farewell, now: now)
            } else {
                // Of a common step all is over, or begins anew.
                if record.lease != nil { statistics.leasesReturned += 1 }
                workers[other] = nil
                actions.append(farewell)
            }
        }
        return actions
    }

    /// A worker sent what cannot come from a computation, whatever the data: no second one is needed.
    mutating func noteMisconduct(_ worker: WorkerIdentifier, reason: String, now: Double) -> [CoordinatorAction] {
        guard let record = workers[worker] else { return [] }
        let isInvolved = record.lease != nil || deliveries.contains { $0.worker == worker }
        let actions = expel(worker, name: record.name, process: record.process, reason: reason, now: now)
        let isOpen = phase == .training || phase == .summing || phase == .evaluating
        // What else it sent for this step may be as wrong.
        guard isInvolved, isOpen, flow == nil || phase == .evaluating else { return actions }
        return actions + restart(now: now)
    }
}
