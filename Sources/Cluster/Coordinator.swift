// The server's side of the protocol: who computes what, and when a step is complete.

import Numerics

/// The server's state machine for synchronous training.
///
/// A step runs through `gathering → training → applying → (evaluating) → training …` until the last step. The outcome
/// of
/// a step does not depend on who computed which span: a span whose worker is gone is leased again, to whoever is free.
public struct Coordinator: Sendable {
    /// What the run is doing.
    public enum Phase: Sendable, Equatable {
        /// Waiting for workers before the first lease.
        case gathering(since: Double?)
        /// Collecting the gradients of the step.
        case training
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
        var lease: Lease?
        var completedSteps = 0
    }

    /// The rules it keeps.
    public let rules: CoordinatorRules
    /// The version of the weights; also the number of the step in progress.
    public private(set) var version: Int
    /// What the run is doing.
    public private(set) var phase: Phase = .gathering(since: nil)
    private(set) var workers: [WorkerIdentifier: WorkerRecord] = [:]
    private let tree: ReductionTree
    /// The version that was evaluated last.
    public private(set) var lastEvaluated: Int?
    private var nextLease = 1
    /// Spans of the present phase that nobody holds.
    private var unassigned: [ShardRange] = []
    private var outcomes: [Int: ShardOutcome] = [:]

    /// A coordinator at `version`, which was evaluated already or not.
    public init(rules: CoordinatorRules, version: Int = 0, lastEvaluated: Int? = nil) {
        self.rules = rules
        self.version = version
        self.lastEvaluated = lastEvaluated
        tree = ReductionTree(shards: rules.shards)
    }

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
            workers[worker]?.acknowledged = version
            return catchUp(worker)
        case .workerGone(let worker, let reason): return release(worker, reason: reason)
        case .spanDone(let worker, let lease, let outcomes):
            return complete(worker, lease: lease, outcomes: outcomes, now: now)
        case .computationFailed(let worker, let step, let shard, let reason):
            guard let lease = workers[worker]?.lease, lease.step == step else { return [] }
            return end(.failed(reason: "step \(step), shard \(shard): \(reason)"))
        case .applied(let version):
            precondition(phase == .applying && version == self.version + 1, "applied \(version) after \(self.version)")
            self.version = version
            return proceed(now: now)
        case .stopRequested: return end(.stopped)
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
        var actions: [CoordinatorAction] = []
        // The same process on its old connection will not speak again. Nor will one of the same name that is silent: it
        // was started anew. Two that both speak were given one name by mistake, and both work.
        for (other, record) in workers.sorted(by: { $0.key < $1.key }) {
            let isSilent = now - record.lastHeard > rules.silenceLimitSeconds / 2
            if record.process == process || (record.name == name && isSilent) {
                actions += release(other, reason: "\(name) started anew")
            }
        }
        workers[worker] = WorkerRecord(name: name, process: process, lastHeard: now)
        switch phase {
        case .gathering(let since):
            phase = .gathering(since: since ?? now)
            actions += sendWeights(worker)
            actions += startIfGathered(now: now)
        case .training, .evaluating:
            actions += sendWeights(worker)
            actions += assignSpans()
        case .applying, .finished: break  // weights follow with the new version
        }
        return actions
    }

    private mutating func sendWeights(_ worker: WorkerIdentifier) -> [CoordinatorAction] {
        workers[worker]?.sent = version
        workers[worker]?.isBehind = false
        return [.sendWeights(worker)]
    }

    /// A worker that fell behind, and has now taken what was sent, gets the present version in full.
    private mutating func catchUp(_ worker: WorkerIdentifier) -> [CoordinatorAction] {
        guard let record = workers[worker], record.sent == nil else { return [] }
        switch phase {
        case .training, .evaluating: return sendWeights(worker) + assignSpans()
        case .gathering: return sendWeights(worker)
        case .applying, .finished: return []
        }
    }

    private mutating func release(_ worker: WorkerIdentifier, reason: String) -> [CoordinatorAction] {
        guard let record = workers.removeValue(forKey: worker) else { return [] }
        var actions: [CoordinatorAction] = [.dismissed(worker, reason: reason)]
        if let lease = record.lease, lease.step == version, phase == .training || phase == .evaluating {
            unassigned.append(lease.span)
            actions += assignSpans()
        }
        return actions
    }

    private mutating func tick(now: Double) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for (worker, record) in workers.sorted(by: { $0.key < $1.key })
        where now - record.lastHeard > rules.silenceLimitSeconds {
            let silence = (now - record.lastHeard).rounded()
            actions += release(worker, reason: "silent for \(Int(silence)) s")
        }
        actions += startIfGathered(now: now)
        return actions
    }
}

// MARK: - Steps

extension Coordinator {
    private mutating func startIfGathered(now: Double) -> [CoordinatorAction] {
        guard case .gathering(let since) = phase else { return [] }
        let isComplete = version >= rules.totalSteps && (lastEvaluated == version || !rules.evaluates(at: version))
        if isComplete { return proceed(now: now) }
        guard let since, !workers.isEmpty else { return [] }
        let patient = now - since < rules.gatheringLimitSeconds
        guard workers.count >= rules.expectedWorkers || !patient else { return [] }
        return proceed(now: now)
    }

    /// Goes on from a version whose weights are complete: evaluation, checkpoint, end, or the next step.
    private mutating func proceed(now: Double) -> [CoordinatorAction] {
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

    private mutating func divideAll() -> [CoordinatorAction] {
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
    private mutating func assignSpans() -> [CoordinatorAction] {
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

    private mutating func complete(
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
        let sum = StepOutcome(summing: (0..<rules.shards).compactMap { outcomes[$0] }, along: tree)
        switch phase {
        case .training:
            phase = .applying
            return [.apply(step: version, outcome: sum, recipients: takeRecipients())]
        case .evaluating:
            lastEvaluated = version
            return [.evaluated(version: version, outcome: sum)] + proceed(now: now)
        case .gathering, .applying, .finished:
            preconditionFailure("a lease was completed in phase \(phase)")
        }
    }

    /// The workers that get the changes of this step. One that has not acknowledged the version before is not sent more
    /// (its queue would grow without bound): it gets everything once it has caught up.
    private mutating func takeRecipients() -> [WorkerIdentifier] {
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

    private mutating func end(_ end: RunEnd) -> [CoordinatorAction] {
        // A step in progress is dropped; it is computed again after a resume.
        let hasProgress = version > 0
        phase = .finished(end)
        return (hasProgress ? [.checkpoint(version: version)] : []) + [.finish(end)]
    }
}
