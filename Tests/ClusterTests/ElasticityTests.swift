// Workers of different speeds, late workers, and workers that leave.

import Numerics
import Testing

@testable import Cluster

private let alice = WorkerIdentifier(Array("alice".utf8))
private let bob = WorkerIdentifier(Array("bob".utf8))

/// A coordinator whose workers take time: alice and bob compute a shard in so many seconds.
private struct Race {
    var coordinator = Coordinator(
        rules: CoordinatorRules(
            shards: 8, totalSteps: 10_000, evaluateEverySteps: nil, checkpointEverySteps: 0, expectedWorkers: 2))
    var now = 0.0
    var secondsPerShard: [WorkerIdentifier: Double]
    var log: [CoordinatorAction] = []

    init(alice aliceSeconds: Double, bob bobSeconds: Double) {
        secondsPerShard = [alice: aliceSeconds, bob: bobSeconds]
        take(.workerReady(alice, name: "a", process: "alice"))
        take(.workerReady(bob, name: "b", process: "bob"))
    }

    /// Feeds an event; partitions sum and apply at once.
    mutating func take(_ event: CoordinatorEvent) {
        var waiting = coordinator.handle(event, now: now)[...]
        while let action = waiting.popFirst() {
            log.append(action)
            switch action {
            case .awaitSums(let step): waiting += coordinator.handle(.reduced(step: step), now: now)
            case .apply(let step, _, let recipients):
                waiting += coordinator.handle(.applied(version: step + 1), now: now)
                for worker in recipients { take(.acknowledged(worker, version: step + 1)) }
            case .sendWeights(let worker): take(.acknowledged(worker, version: coordinator.version))
            default: break
            }
        }
    }

    func doneAt(_ worker: WorkerIdentifier) -> Double? {
        guard let record = coordinator.workers[worker], let lease = record.lease ?? record.late else { return nil }
        return record.leasedAt + Double(lease.span.count) * (secondsPerShard[worker] ?? 1)
    }

    /// Goes on to the moment at which the next worker delivers.
    mutating func next() {
        let pending = [alice, bob].compactMap { worker in doneAt(worker).map { ($0, worker) } }
        guard let (time, worker) = pending.min(by: { $0.0 < $1.0 }) else {
            Issue.record("nobody computes anything")
            secondsPerShard = [:]
            return
        }
        now = time
        if let lease = coordinator.lease(of: worker) {
            let outcomes = lease.span.indices.map { ShardOutcome(shard: $0, loss: 1, tokens: 10) }
            take(.acknowledged(worker, version: lease.step))
            take(.spanDone(worker, lease: lease.identifier, outcomes: outcomes))
        } else if let late = coordinator.lateLease(of: worker) {
            take(.lateSpanDone(worker, lease: late.identifier))
        }
    }

    mutating func steps(_ count: Int) {
        let end = coordinator.version + count
        while coordinator.version < end, !secondsPerShard.isEmpty { next() }
    }
}

@Test("a worker on a slower core soon gets fewer shards")
func spansFollowSpeed() {
    var race = Race(alice: 1, bob: 3)
    #expect(race.coordinator.lease(of: alice)?.span == ShardRange(0, 4))
    race.steps(20)
    #expect(race.coordinator.lease(of: alice)?.span == ShardRange(0, 6))
    #expect(race.coordinator.lease(of: bob)?.span == ShardRange(6, 8))
}

@Test("workers of about the same speed keep their shards, whatever the clock's noise")
func spansRest() {
    var race = Race(alice: 1, bob: 1)
    var random = SplitMix(state: 7)
    for _ in 0..<200 {
        race.secondsPerShard = [
            alice: Double.random(in: 0.9...1.1, using: &random), bob: Double.random(in: 0.9...1.1, using: &random),
        ]
        #expect(race.coordinator.lease(of: alice)?.span == ShardRange(0, 4))
        race.steps(1)
    }
}

@Test("a worker too slow for any shard is tried again now and then, and taken back once it is fast")
func slowWorkersComeBack() {
    var race = Race(alice: 0.01, bob: 1)
    race.steps(400)
    let spans = race.log.filter { if case .grant(bob, _) = $0 { true } else { false } }
    #expect(spans.count < 20)
    race.secondsPerShard[bob] = 0.01
    race.steps(400)
    #expect(race.coordinator.lease(of: bob)?.span.count == 4)
}

@Test("a late span goes to an idle worker as well; the first result counts, the other is no error")
func speculates() {
    var race = Race(alice: 0.1, bob: 0.1)
    race.steps(5)
    let (began, version) = (race.now, race.coordinator.version)
    // Alice stalls: usual are 0.4 s a step.
    race.secondsPerShard[alice] = 10
    race.next()
    race.now = began + 0.79
    race.take(.tick)
    #expect(race.coordinator.lease(of: bob) == nil)
    race.now = began + 0.81
    race.take(.tick)
    #expect(race.coordinator.lease(of: bob)?.span == ShardRange(0, 4))
    #expect(race.coordinator.statistics.speculations == 1)
    race.take(.tick)
    #expect(race.coordinator.statistics.speculations == 1, "no third worker gets it")
    race.next()
    #expect(race.coordinator.version == version + 1)
    #expect(race.coordinator.statistics.speculationsWon == 1)
    #expect(race.coordinator.lease(of: bob)?.span == ShardRange(0, 8), "alice is still at it")
    race.secondsPerShard[alice] = 0.1
    race.next()
    #expect(race.coordinator.statistics.lateResults == 1)
    #expect(race.coordinator.lateLease(of: alice) == nil)
}

@Test("the first worker may still win against its helper, and either may die")
func eitherMayWin() {
    for (winner, loser) in [(alice, bob), (bob, alice)] {
        var race = Race(alice: 0.1, bob: 0.1)
        race.steps(5)
        race.secondsPerShard[alice] = 10
        race.next()
        race.now += 0.5
        race.take(.tick)
        #expect(race.coordinator.statistics.speculations == 1)
        let version = race.coordinator.version
        race.take(.workerGone(loser, reason: "test"))
        #expect(race.coordinator.lease(of: winner)?.span == ShardRange(0, 4))
        race.next()
        #expect(race.coordinator.version == version + 1)
    }
}

@Test("a worker that leaves gives its shards back at once, and is not called lost")
func leavesInOrder() {
    var race = Race(alice: 1, bob: 1)
    race.next()
    race.take(.workerLeft(bob))
    #expect(race.log.contains(.left(bob)))
    #expect(race.coordinator.lease(of: alice)?.span == ShardRange(4, 8))
    #expect(race.coordinator.statistics.leasesReturned == 1)
}

@Test("a worker whose heart beats but that never delivers is given up")
func leasesEnd() {
    var coordinator = Coordinator(
        rules: CoordinatorRules(shards: 2, totalSteps: 9, evaluateEverySteps: nil, checkpointEverySteps: 0))
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "alice"), now: 0)
    for second in 1...600 {
        _ = coordinator.handle(.heard(alice), now: Double(second))
        #expect(coordinator.handle(.tick, now: Double(second)).isEmpty)
    }
    _ = coordinator.handle(.heard(alice), now: 601)
    let reason = "did not deliver shards [0, 2) of step 0 within 600 s"
    #expect(coordinator.handle(.tick, now: 601) == [.dismissed(alice, reason: reason)])
}
