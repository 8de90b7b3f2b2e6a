// The server's side of the protocol: who computes what, and when a step is complete.

import Numerics

/// The server's state machine for synchronous training.
///
/// A step runs through `gathering → training → summing → applying → (evaluating) → training …` until the last step.
/// The outcome of a step does not depend on who computed which span: a span whose worker is gone is leased again, to
/// whoever is free.
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
        var lease: Lease?
        var completedSteps = 0
    }

    /// The rules it keeps.
    public let rules: CoordinatorRules
    /// The version of the weights; also the number of the step in progress.
    public internal(set) var version: Int
    /// What the run is doing.
    public internal(set) var phase: Phase = .gathering(since: nil)
    var workers: [WorkerIdentifier: WorkerRecord] = [:]
    let tree: ReductionTree
    /// The version that was evaluated last.
    public internal(set) var lastEvaluated: Int?
    var nextLease = 1
    /// Spans of the present phase that nobody holds.
    var unassigned: [ShardRange] = []
    var outcomes: [Int: ShardOutcome] = [:]
    /// A stop was asked for while a step was being applied: half of the weights may be new.
    private var stopsOnceApplied = false

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
            // A message that came twice must not make it seem behind.
            if version > workers[worker]?.acknowledged ?? -1 { workers[worker]?.acknowledged = version }
            return catchUp(worker)
        case .workerGone(let worker, let reason): return release(worker, reason: reason)
        case .spanDone(let worker, let lease, let outcomes):
            return complete(worker, lease: lease, outcomes: outcomes, now: now)
        case .computationFailed(let worker, let step, let shard, let reason):
            guard let lease = workers[worker]?.lease, lease.step == step else { return [] }
            return end(.failed(reason: "step \(step), shard \(shard): \(reason)"))
        case .reduced(let step):
            guard phase == .summing, step == version else { return [] }
            phase = .applying
            return [.apply(step: version, outcome: outcome, recipients: takeRecipients())]
        case .gradientsLost(let step):
            guard phase == .summing, step == version else { return [] }
            phase = .training
            return divideAll()
        case .applied(let version):
            precondition(phase == .applying && version == self.version + 1, "applied \(version) after \(self.version)")
            self.version = version
            return stopsOnceApplied ? end(.stopped) : proceed(now: now)
        case .stopRequested:
            stopsOnceApplied = phase == .applying
            return stopsOnceApplied ? [] : end(.stopped)
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
    private mutating func catchUp(_ worker: WorkerIdentifier) -> [CoordinatorAction] {
        guard let record = workers[worker], record.sent == nil else { return [] }
        switch phase {
        case .training, .evaluating: return sendWeights(worker) + assignSpans()
        case .gathering: return sendWeights(worker)
        case .summing, .applying:
            // The new version follows for all who have caught up.
            workers[worker]?.isBehind = false
            return []
        case .finished: return []
        }
    }

    mutating func release(_ worker: WorkerIdentifier, reason: String) -> [CoordinatorAction] {
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
