// The server's side of the protocol: who computes what, and when a step is complete.

import Numerics

/// The server's state machine: `gathering → training → summing → applying → (evaluating) → training …` until the last
/// step.
///
/// The outcome of a step does not depend on who computed which span: a span whose worker is gone is leased again, to
/// whoever is free; one whose worker is late is leased to a second worker as well, and the first result counts.
public struct Coordinator: Sendable {
    /// What the run is doing.
    public enum Phase: Sendable, Equatable {
        /// Waiting for workers before the first lease.
        case gathering(since: Double?)
        /// Collecting the gradients of the step.
        case training
        /// All spans are done; the last of their gradients may be on their way to a partition.
        case summing
        /// The shell is applying the step.
        case applying
        /// Collecting validation losses of the present version.
        case evaluating
        /// Over.
        case finished(RunEnd)
    }

    struct WorkerRecord: Sendable {
        var name: String
        var process: String
        var lastHeard: Double
        /// The newest version that the worker has acknowledged.
        var acknowledged: Int?
        /// The newest version that was sent in full or as changes; `nil` when it has to be sent anew.
        var sent: Int?
        /// It has yet to take an older version; sending more now would let its queue grow.
        var isBehind = false
        /// What it computes, and is counted on for.
        var lease: Lease?
        /// When it got the lease that it computes.
        var leasedAt = 0.0
        /// The lease is a second one for a span of a worker that is late.
        var isSpeculative = false
        /// What it still computes although the result is there from another worker.
        var late: Lease?
        var speed = WorkerSpeed()
        /// The shards it had in the last division of a whole step.
        var lastShare = 0
        var completedSteps = 0

        /// Whether it can take a lease.
        var isIdle: Bool { lease == nil && late == nil }
    }

    /// A lease that was delivered.
    struct Delivery: Sendable {
        var worker: WorkerIdentifier
        var lease: Lease
    }

    /// The rules it keeps.
    public let rules: CoordinatorRules
    /// The version of the weights: the updates applied. In synchronous training the number of the step in progress.
    public internal(set) var version: Int
    /// The bookkeeping of the modes without common steps; `nil` in synchronous training.
    var flow: UpdateFlow?
    /// The step at which all shards met last, in these modes.
    var lastMeeting: Int
    /// What the run is doing.
    public internal(set) var phase: Phase = .gathering(since: nil)
    var workers: [WorkerIdentifier: WorkerRecord] = [:]
    let tree: ReductionTree
    /// The step that was evaluated last.
    public internal(set) var lastEvaluated: Int?
    var nextLease = 1
    /// Spans of the present phase that nobody holds.
    var unassigned: [ShardRange] = []
    var outcomes: [Int: ShardOutcome] = [:]
    /// Who delivered which lease of the present phase.
    var deliveries: [Delivery] = []
    /// Results that cannot be used, until it is known who is to blame.
    var disputes: [Dispute] = []
    /// Who is kept out.
    var exclusions = Exclusions()
    /// When the spans of the present phase were first leased.
    var dividedAt = 0.0
    /// How long steps, and evaluations, took to compute.
    var usualDurations: [Work: UsualDuration] = [:]
    /// What happened so far.
    public internal(set) var statistics = CoordinatorStatistics()
    /// How to end once the step is applied: half of the weights may be new.
    var endOnceApplied: RunEnd?

    /// A coordinator at `version`, which was evaluated already or not.
    ///
    /// - Parameter positions: without common steps, the next step of each shard; `nil` if all are at `version`.
    public init(
        rules: CoordinatorRules, version: Int = 0, positions: [Int]? = nil, lastEvaluated: Int? = nil
    ) {
        self.rules = rules
        self.version = version
        self.lastEvaluated = lastEvaluated
        let tree = ReductionTree(shards: rules.shards)
        self.tree = tree
        let positions = positions ?? Array(repeating: version, count: rules.shards)
        if !rules.isSynchronous {
            flow = UpdateFlow(tree: tree, stalenessMax: rules.stalenessMax, positions: positions)
        }
        // Shards that are apart meet next where none of them has to go back, whatever the rules were before.
        let (least, most) = (positions.min() ?? 0, positions.max() ?? 0)
        lastMeeting = least == most ? least : most - 1
    }

    /// The steps done: in synchronous training the version, else what all shards together amount to.
    public var step: Int { flow?.completedSteps ?? version }

    /// Without common steps, the next step of each shard.
    public var positions: [Int]? { flow?.positions }

    /// Takes an event that happened at `now` (seconds on any monotonic clock).
    public mutating func handle(_ event: CoordinatorEvent, now: Double) -> [CoordinatorAction] {
        if case .finished = phase { return [] }
        switch event {
        case .workerReady(let worker, let name, let process):
            return join(worker, name: name, process: process, now: now)
        case .heard(let worker):
            workers[worker]?.lastHeard = now
            return []
        case .acknowledged(let worker, let version):
            workers[worker]?.lastHeard = now
            // A message that came twice must not make it seem behind.
            if version > workers[worker]?.acknowledged ?? -1 { workers[worker]?.acknowledged = version }
            return catchUp(worker, now: now)
        case .workerGone(let worker, let reason): return release(worker, .dismissed(worker, reason: reason), now: now)
        case .workerLeft(let worker): return release(worker, .left(worker), now: now)
        case .spanDone(let worker, let lease, let outcomes):
            return complete(worker, lease: lease, outcomes: outcomes, now: now)
        case .lateSpanDone(let worker, let lease): return noteLate(worker, lease: lease, now: now)
        case .computationFailed(let worker, let step, let shard, let reason):
            if let late = workers[worker]?.late { return noteLate(worker, lease: late.identifier, now: now) }
            guard let lease = workers[worker]?.lease, lease.step == step else { return [] }
            return giveUp(worker, lease, .report("shard \(shard): \(reason)"), now: now)
        case .stateUnusable(let worker, let identifier, let shard):
            guard let lease = workers[worker]?.lease, lease.identifier == identifier else { return [] }
            return giveUp(worker, lease, .state(shard: shard), now: now)
        case .gradientUnusable(let worker, let sum, let shard):
            return doubtGradient(worker, sum: sum, shard: shard, now: now)
        case .sumUnusable(let sum): return noteUnusableSum(sum, now: now)
        case .misconduct(let worker, let reason): return noteMisconduct(worker, reason: reason, now: now)
        case .reduced(let sum) where flow != nil: return noteSummed(sum)
        case .reduced(let step):
            guard phase == .summing, step == version else { return [] }
            phase = .applying
            return [.apply(step: version, outcome: outcome, recipients: takeRecipients())]
        case .gradientsLost(let sum) where flow != nil:
            flow?.drop(lease: sum)
            return applyNextUpdate() + beginUpdates(now: now)
        case .gradientsLost(let step):
            guard phase == .summing, step == version else { return [] }
            phase = .training
            return divideAll(now: now)
        case .applied where flow != nil: return noteUpdateApplied(now: now)
        case .applied(let version):
            precondition(phase == .applying && version == self.version + 1, "applied \(version) after \(self.version)")
            self.version = version
            phase = .training
            let settled = settle(by: deliveries, now: now)
            if let endOnceApplied { return settled + end(endOnceApplied) }
            return settled + proceed(now: now)
        case .stopRequested: return end(.stopped)
        case .stalled(let seconds):
            for worker in workers.keys { workers[worker]?.leasedAt += seconds }
            for index in disputes.indices { disputes[index].since += seconds }
            dividedAt += seconds
            return []
        case .tick: return tick(now: now)
        }
    }

    /// A worker as status reports show it.
    public struct WorkerView: Sendable, Equatable {
        /// Its connection.
        public let identifier: WorkerIdentifier
        /// The name it gave itself.
        public let name: String
        /// What it computes at present.
        public let lease: Lease?
        /// When it last gave a sign of life.
        public let lastHeard: Double
        /// Leases of training steps that it has delivered.
        public let completedSteps: Int
    }

    /// The workers, by name.
    public var workerViews: [WorkerView] {
        workers.map {
            WorkerView(
                identifier: $0.key, name: $0.value.name, lease: $0.value.lease, lastHeard: $0.value.lastHeard,
                completedSteps: $0.value.completedSteps)
        }.sorted { ($0.name, $0.identifier) < ($1.name, $1.identifier) }
    }

    /// The lease that a worker holds.
    public func lease(of worker: WorkerIdentifier) -> Lease? { workers[worker]?.lease }

    /// The lease whose result nobody waits for any more, though the worker still computes it.
    public func lateLease(of worker: WorkerIdentifier) -> Lease? { workers[worker]?.late }
}

// MARK: - Workers come and go

extension Coordinator {
    private mutating func join(
        _ worker: WorkerIdentifier, name: String, process: String, now: Double
    ) -> [CoordinatorAction] {
        guard workers[worker] == nil else {
            workers[worker]?.lastHeard = now
            return []
        }
        if let reason = refusal(of: [process, name], now: now) { return [.dismissed(worker, reason: reason)] }
        var actions: [CoordinatorAction] = []
        // The same process on its old connection will not speak again. Nor will one of the same name that is silent: it
        // was started anew. Two that both speak were given one name by mistake, and both work.
        for (other, record) in workers.sorted(by: { $0.key < $1.key }) {
            let isSilent = now - record.lastHeard > rules.silenceLimitSeconds / 2
            if record.process == process || (record.name == name && isSilent) {
                actions += release(other, .dismissed(other, reason: "\(name) started anew"), now: now)
            }
        }
        workers[worker] = WorkerRecord(name: name, process: process, lastHeard: now)
        switch phase {
        case .gathering(let since):
            phase = .gathering(since: since ?? now)
            actions += sendWeights(worker)
            actions += startIfGathered(now: now)
        case .training where flow != nil: actions += beginUpdates(now: now)
        case .training, .evaluating:
            actions += sendWeights(worker)
            actions += assignSpans(now: now)
        case .summing, .applying, .finished: break  // weights follow with the new version
        }
        return actions
    }

    mutating func sendWeights(_ worker: WorkerIdentifier) -> [CoordinatorAction] {
        workers[worker]?.sent = version
        workers[worker]?.isBehind = false
        return [.sendWeights(worker)]
    }

    /// A worker that fell behind, and has now taken what was sent, gets the present version in full.
    private mutating func catchUp(_ worker: WorkerIdentifier, now: Double) -> [CoordinatorAction] {
        guard let record = workers[worker] else { return [] }
        if flow != nil, phase == .training { return beginUpdates(now: now) }
        guard record.sent == nil else { return [] }
        switch phase {
        case .training, .evaluating: return sendWeights(worker) + assignSpans(now: now)
        case .gathering: return sendWeights(worker)
        case .summing, .applying:
            // The new version follows for all who have caught up.
            workers[worker]?.isBehind = false
            return []
        case .finished: return []
        }
    }

    /// The worker is gone: what it was counted on for goes to others.
    mutating func release(
        _ worker: WorkerIdentifier, _ farewell: CoordinatorAction, now: Double
    ) -> [CoordinatorAction] {
        guard let record = workers.removeValue(forKey: worker) else { return [] }
        if record.lease != nil { statistics.leasesReturned += 1 }
        if let lease = record.lease, lease.work == .training, flow != nil {
            dropUpdate(of: lease)
            return [farewell, .dropSum(lease.sum)] + applyNextUpdate() + beginUpdates(now: now)
        }
        if let lease = record.lease {
            // Whoever helped is the only one now, and may be helped in turn.
            for (other, held) in workers where held.lease?.span == lease.span { workers[other]?.isSpeculative = false }
        }
        guard let lease = record.lease, isNeeded(lease), !isHeld(lease.span) else { return [farewell] }
        unassigned.append(lease.span)
        return [farewell] + assignSpans(now: now)
    }

    private mutating func tick(now: Double) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for (worker, record) in workers.sorted(by: { $0.key < $1.key }) {
            let silence = now - record.lastHeard
            if silence > rules.silenceLimitSeconds {
                let reason = "silent for \(Int(silence.rounded())) s"
                actions += release(worker, .dismissed(worker, reason: reason), now: now)
            } else if let lease = record.lease ?? record.late, now - record.leasedAt > leaseLimitSeconds(lease.work) {
                let reason =
                    "did not deliver shards \(lease.span) of step \(lease.step) within "
                    + "\(Int(leaseLimitSeconds(lease.work).rounded())) s"
                actions += release(worker, .dismissed(worker, reason: reason), now: now)
            }
        }
        actions += startIfGathered(now: now) + watchDisputes(now: now)
        if case .finished = phase { return actions }
        actions += speculate(now: now)
        // Whoever is idle by then gets work, whatever was missed.
        return flow == nil ? actions : actions + applyNextUpdate() + beginUpdates(now: now)
    }
}
