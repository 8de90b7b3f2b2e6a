// Training without common steps: every shard's every step counts once, and no update is older than its bound.

import Numerics
import Testing

@testable import Cluster

/// A cluster without common steps, with everything random but the rules.
private struct FreeCluster {
    var coordinator: Coordinator
    let rules: CoordinatorRules
    var random: SplitMix
    var now = 0.0
    var alive: [WorkerIdentifier] = []
    var joined = 0
    /// How often each shard took each step.
    var counts: [[Int]]
    var stalenessMax = 0
    var updates = 0
    var evaluated: [Int] = []
    var checkpoints: [(step: Int, positions: [Int])] = []
    /// What partitions are doing; they take their time.
    var summing: [Int] = []
    var applying: Update?
    /// One that lies, in every other seed.
    var liar: WorkerIdentifier?
    let hasLiar: Bool

    init(seed: Int, stalenessMax: Int?, shards: Int = 7, steps: Int = 12) {
        var rules = CoordinatorRules(shards: shards, totalSteps: steps, evaluateEverySteps: 4, checkpointEverySteps: 3)
        rules.isSynchronous = false
        rules.stalenessMax = stalenessMax
        self.rules = rules
        coordinator = Coordinator(rules: rules)
        hasLiar = seed % 2 == 0
        random = SplitMix(state: UInt64(seed))
        counts = Array(repeating: Array(repeating: 0, count: steps), count: shards)
    }

    mutating func take(_ event: CoordinatorEvent) {
        for action in coordinator.handle(event, now: now) {
            switch action {
            case .awaitSums(let sum): summing.append(sum)
            case .applyUpdate(let update):
                #expect(applying == nil)
                #expect(update.staleness == coordinator.version - update.lease.version)
                applying = update
            case .apply: Issue.record("a common step")
            case .evaluated(let step, let outcome):
                #expect(outcome.tokens == 10 * rules.shards)
                #expect(coordinator.positions == Array(repeating: step, count: rules.shards))
                evaluated.append(step)
            case .checkpoint(let step): checkpoints.append((step, coordinator.positions ?? []))
            case .dismissed(let worker, _), .left(let worker), .expelled(let worker, _):
                alive.removeAll { $0 == worker }
                if worker == liar { liar = nil }
            case .restartSum: Issue.record("a common step")
            case .sendWeights, .grant, .finish, .dropSum, .warned: break
            }
        }
    }

    /// One thing happens somewhere.
    mutating func event() {
        now += 0.1
        if !summing.isEmpty, random.next() % 3 == 0 {
            let sum = summing.remove(at: Int(random.next() % UInt64(summing.count)))
            return take(random.next() % 8 == 0 ? .gradientsLost(step: sum) : .reduced(step: sum))
        }
        if let update = applying, random.next() % 3 == 0 {
            applying = nil
            for shard in update.lease.span.indices { counts[shard][update.lease.step] += 1 }
            stalenessMax = max(stalenessMax, update.staleness)
            updates += 1
            return take(.applied(version: coordinator.version + 1))
        }
        let busy = alive.filter { coordinator.lease(of: $0) != nil }
        switch random.next() % 10 {
        case 0 where alive.count < 4:
            joined += 1
            let worker = WorkerIdentifier(Array("w\(joined)".utf8))
            alive.append(worker)
            if hasLiar, liar == nil, random.next() % 3 == 0 { liar = worker }
            take(.workerReady(worker, name: "n\(joined % 5)", process: "\(worker)"))
        case 1 where !alive.isEmpty && random.next() % 2 == 0:
            let worker = alive[Int(random.next() % UInt64(alive.count))]
            take(random.next() % 2 == 0 ? .workerGone(worker, reason: "test") : .workerLeft(worker))
        case 2...8 where !busy.isEmpty:
            let worker = busy[Int(random.next() % UInt64(busy.count))]
            guard let lease = coordinator.lease(of: worker) else { return }
            take(.acknowledged(worker, version: lease.version))
            // Who lies alone, or twice of the same, is believed: there is nobody to ask.
            let lies = worker == liar && alive.count > 1 && coordinator.disputeText == nil && random.next() % 2 == 0
            if lies, random.next() % 3 == 0 { return take(.misconduct(worker, reason: "counts")) }
            let loss = lies ? Double.nan : 1
            let outcomes = lease.span.indices.map { ShardOutcome(shard: $0, loss: loss, tokens: 10) }
            take(.spanDone(worker, lease: lease.identifier, outcomes: outcomes))
        default:
            for worker in alive where random.next() % 4 != 0 { take(.heard(worker)) }
            take(.tick)
        }
    }

    mutating func run(events: Int) {
        for _ in 0..<events {
            if case .finished = coordinator.phase { return }
            event()
        }
    }
}

@Test("without common steps every shard's every step is applied once, whatever workers do", arguments: 1...200)
func everyShardStepCountsOnce(seed: Int) {
    let bounds: [Int?] = [nil, 1, 2, 5]
    let bound = bounds[seed % bounds.count]
    var cluster = FreeCluster(seed: seed, stalenessMax: bound)
    cluster.run(events: 20_000)
    #expect(cluster.coordinator.phase == .finished(.completed), "seed \(seed)")
    #expect(cluster.counts.allSatisfy { $0.allSatisfy { $0 == 1 } }, "seed \(seed): \(cluster.counts)")
    #expect(cluster.evaluated == [4, 8, 12], "seed \(seed)")
    #expect(cluster.checkpoints.map(\.step) == [3, 4, 6, 8, 9, 12].filter { $0 % 3 == 0 }, "seed \(seed)")
    let staleness = cluster.coordinator.statistics.staleness
    #expect(staleness.values.reduce(0, +) == cluster.updates, "seed \(seed)")
    if let bound { #expect(cluster.stalenessMax <= bound, "seed \(seed)") }
}

@Test("with a bound some updates reach it, and without one some go beyond")
func boundsAreReached() {
    func most(_ bound: Int?) -> Int {
        (1...30).map { seed in
            var cluster = FreeCluster(seed: seed, stalenessMax: bound)
            cluster.run(events: 20_000)
            return cluster.stalenessMax
        }.max() ?? 0
    }
    #expect(most(1) == 1)
    #expect(most(2) == 2)
    #expect(most(nil) > 2)
}

@Test("a run that is resumed from where its shards were apart takes each step once all the same", arguments: 1...50)
func resumesApart(seed: Int) throws {
    var first = FreeCluster(seed: seed, stalenessMax: nil)
    while first.checkpoints.count < 1 + seed % 3 { first.event() }
    let (_, positions) = try #require(first.checkpoints.last)
    var second = FreeCluster(seed: seed + 1000, stalenessMax: 3)
    let step = positions.reduce(0, +) / positions.count
    let meets = positions.allSatisfy { $0 == step }
    second.coordinator = Coordinator(
        rules: second.rules, version: 17, positions: positions,
        lastEvaluated: meets && first.evaluated.last == step ? step : nil)
    second.run(events: 20_000)
    #expect(second.coordinator.phase == .finished(.completed), "seed \(seed)")
    for (shard, position) in positions.enumerated() {
        #expect(second.counts[shard][..<position].allSatisfy { $0 == 0 }, "seed \(seed)")
        #expect(second.counts[shard][position...].allSatisfy { $0 == 1 }, "seed \(seed)")
    }
    #expect(second.evaluated.last == 12, "seed \(seed)")
}

@Test("a worker alone takes all shards at once: each update is a whole step")
func aloneIsSynchronous() {
    var rules = CoordinatorRules(shards: 8, totalSteps: 3, evaluateEverySteps: nil, checkpointEverySteps: 0)
    rules.isSynchronous = false
    var coordinator = Coordinator(rules: rules)
    let worker = WorkerIdentifier(Array("w".utf8))
    let actions = coordinator.handle(.workerReady(worker, name: "w", process: "w"), now: 0)
    guard case .grant(_, let lease)? = actions.last else {
        Issue.record("no lease")
        return
    }
    #expect(lease.span == ShardRange(0, 8))
}
