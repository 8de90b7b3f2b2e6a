// The coordinator, event by event.

import Numerics
import Testing

@testable import Cluster

private let alice = WorkerIdentifier(Array("alice".utf8))
private let bob = WorkerIdentifier(Array("bob".utf8))

private func coordinator(
    shards: Int = 4, steps: Int = 3, evaluate: Int = 0, checkpoint: Int = 0, expected: Int = 1, version: Int = 0
) -> Coordinator {
    Coordinator(
        rules: CoordinatorRules(
            shards: shards, totalSteps: steps, evaluateEverySteps: evaluate, checkpointEverySteps: checkpoint,
            expectedWorkers: expected), version: version)
}

private func leases(_ actions: [CoordinatorAction]) -> [(WorkerIdentifier, Lease)] {
    actions.compactMap { if case .grant(let worker, let lease) = $0 { (worker, lease) } else { nil } }
}

private func reported(_ span: ShardRange) -> [ShardOutcome] {
    span.indices.map { ShardOutcome(shard: $0, loss: Double($0) + 0.5, tokens: 10) }
}

extension Coordinator {
    /// The worker delivers its lease.
    fileprivate mutating func deliver(_ worker: WorkerIdentifier, now: Double = 1) -> [CoordinatorAction] {
        guard let lease = lease(of: worker) else { return [] }
        return handle(.acknowledged(worker, version: lease.step), now: now)
            + handle(.spanDone(worker, lease: lease.identifier, outcomes: reported(lease.span)), now: now)
    }

    /// The worker delivers its lease; if it was the last one, the gradients are summed at once.
    fileprivate mutating func finish(_ worker: WorkerIdentifier, now: Double = 1) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for action in deliver(worker, now: now) {
            if case .awaitSums(let step) = action {
                actions += handle(.reduced(step: step), now: now)
            } else {
                actions.append(action)
            }
        }
        return actions
    }
}

@Test("the first worker gets all shards when no other is expected")
func firstWorkerGetsEverything() {
    var coordinator = coordinator()
    let actions = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    #expect(actions.first == .sendWeights(alice))
    #expect(leases(actions).map(\.1.span) == [ShardRange(0, 4)])
}

@Test("the first step waits for the expected workers, and then divides the shards")
func gathers() {
    var coordinator = coordinator(expected: 2)
    #expect(leases(coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)).isEmpty)
    let granted = leases(coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 1))
    #expect(granted.map(\.1.span) == [ShardRange(0, 2), ShardRange(2, 4)])
}

@Test("the first step does not wait forever for a worker that never comes")
func gatheringEnds() {
    var coordinator = coordinator(expected: 2)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.heard(alice), now: 4)
    #expect(leases(coordinator.handle(.tick, now: 4)).isEmpty)
    #expect(leases(coordinator.handle(.tick, now: 6)).count == 1)
}

@Test("a step is applied once all shards are in, with the losses summed along the tree")
func applies() {
    var coordinator = coordinator(expected: 2)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0)
    #expect(coordinator.finish(bob).isEmpty)
    guard case .apply(let step, let outcome, let recipients)? = coordinator.finish(alice).first else {
        Issue.record("the step was not applied")
        return
    }
    #expect(step == 0)
    #expect(outcome.loss == (0.5 + 1.5) + (2.5 + 3.5))
    #expect(outcome.tokens == 40)
    #expect(recipients == [alice, bob])
    #expect(leases(coordinator.handle(.applied(version: 1), now: 2)).map(\.1.step) == [1, 1])
}

@Test("the span of a worker that died goes to one that is free, and the dead one's answer is ignored")
func spanMovesOn() {
    var coordinator = coordinator(expected: 2)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0)
    let lost = coordinator.lease(of: bob)!
    _ = coordinator.finish(alice)
    let actions = coordinator.handle(.workerGone(bob, reason: "killed"), now: 1)
    #expect(actions.first == .dismissed(bob, reason: "killed"))
    #expect(leases(actions).map(\.0) == [alice])
    #expect(leases(actions).map(\.1.span) == [lost.span])
    #expect(coordinator.handle(.spanDone(bob, lease: lost.identifier, outcomes: reported(lost.span)), now: 1).isEmpty)
    guard case .apply? = coordinator.finish(alice).first else {
        Issue.record("the step was not applied")
        return
    }
}

@Test("a silent worker loses its lease after the limit")
func silence() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    #expect(coordinator.handle(.tick, now: 4.9).isEmpty)
    #expect(coordinator.handle(.tick, now: 5.1) == [.dismissed(alice, reason: "silent for 5 s")])
    #expect(
        leases(coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 6)).map(\.1.span) == [
            ShardRange(0, 4)
        ])
}

@Test("a process that connects anew replaces its old connection at once")
func replacesByProcess() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "worker-1", process: "host/1"), now: 0)
    let actions = coordinator.handle(.workerReady(bob, name: "worker-1", process: "host/1"), now: 1)
    #expect(actions.contains(.dismissed(alice, reason: "worker-1 started anew")))
    #expect(leases(actions).map(\.0) == [bob])
}

@Test("a worker started anew replaces a silent one of its name, but not one that still speaks")
func replacesByName() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "w", process: "host/1"), now: 0)
    #expect(coordinator.handle(.workerReady(bob, name: "w", process: "host/2"), now: 1) == [.sendWeights(bob)])
    let carol = WorkerIdentifier(Array("carol".utf8))
    _ = coordinator.handle(.heard(bob), now: 3)
    let actions = coordinator.handle(.workerReady(carol, name: "w", process: "host/3"), now: 3)
    #expect(actions.contains(.dismissed(alice, reason: "w started anew")))
    #expect(!actions.contains(.dismissed(bob, reason: "w started anew")))
}

@Test("a worker that joins in mid-step takes a span of the next step")
func joinsLate() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    #expect(coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0) == [.sendWeights(bob)])
    _ = coordinator.handle(.acknowledged(bob, version: 0), now: 0)
    _ = coordinator.finish(alice)
    #expect(leases(coordinator.handle(.applied(version: 1), now: 1)).map(\.0) == [alice, bob])
}

@Test("a worker that has not taken the last weights is sent no more until it has caught up")
func backlogIsBounded() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0)
    guard case .apply(_, _, let recipients)? = coordinator.finish(alice).first else {
        Issue.record("the step was not applied")
        return
    }
    #expect(recipients == [alice])
    #expect(leases(coordinator.handle(.applied(version: 1), now: 1)).map(\.0) == [alice])
    #expect(coordinator.handle(.acknowledged(bob, version: 0), now: 1) == [.sendWeights(bob)])
}

@Test("gradients that are lost on their way to a partition are computed again")
func gradientsLost() {
    var coordinator = coordinator(expected: 2)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0)
    #expect(coordinator.deliver(alice).isEmpty)
    #expect(coordinator.deliver(bob) == [.awaitSums(step: 0)])
    let again = leases(coordinator.handle(.gradientsLost(step: 0), now: 6))
    #expect(again.map(\.1.span) == [ShardRange(0, 2), ShardRange(2, 4)])
    #expect(again.allSatisfy { $0.1.step == 0 })
    #expect(coordinator.handle(.reduced(step: 0), now: 6).isEmpty, "the spans are being computed again")
    _ = coordinator.deliver(alice)
    #expect(coordinator.deliver(bob) == [.awaitSums(step: 0)])
    guard case .apply(step: 0, _, recipients: [alice, bob])? = coordinator.handle(.reduced(step: 0), now: 7).first
    else {
        Issue.record("the step was not applied")
        return
    }
    #expect(coordinator.handle(.gradientsLost(step: 0), now: 7).isEmpty, "too late")
}

@Test("a stop in the midst of applying a step waits until all partitions have applied it")
func stopsWhileApplying() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.finish(alice)
    #expect(coordinator.phase == .applying)
    #expect(coordinator.handle(.stopRequested, now: 1).isEmpty)
    #expect(coordinator.handle(.applied(version: 1), now: 1) == [.checkpoint(version: 1), .finish(.stopped)])
}

@Test("a worker that catches up, or joins, while a step is applied gets the new version")
func catchesUpWhileApplying() {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.handle(.workerReady(bob, name: "b", process: "\(bob)"), now: 0)
    _ = coordinator.finish(alice)
    #expect(coordinator.handle(.acknowledged(bob, version: 0), now: 1).isEmpty)
    let carol = WorkerIdentifier(Array("carol".utf8))
    #expect(coordinator.handle(.workerReady(carol, name: "c", process: "\(carol)"), now: 1).isEmpty)
    let actions = coordinator.handle(.applied(version: 1), now: 1)
    #expect(actions.contains(.sendWeights(bob)))
    #expect(actions.contains(.sendWeights(carol)))
    #expect(leases(actions).map(\.0) == [alice, bob, carol])
}

@Test("evaluation, checkpoint and end come in this order")
func order() {
    var coordinator = coordinator(steps: 1, evaluate: 1, checkpoint: 1)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.finish(alice)
    #expect(leases(coordinator.handle(.applied(version: 1), now: 1)).map(\.1.work) == [.evaluation])
    let actions = coordinator.finish(alice)
    #expect(actions.count == 3)
    guard case .evaluated(version: 1, _) = actions[0] else {
        Issue.record("not evaluated first")
        return
    }
    #expect(actions[1...] == [.checkpoint(version: 1), .finish(.completed)])
}

@Test("a stop writes a checkpoint of the last applied step, drops the step in progress, and ends the run")
func stops() {
    var coordinator = coordinator(version: 2)
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    #expect(coordinator.handle(.stopRequested, now: 1) == [.checkpoint(version: 2), .finish(.stopped)])
    #expect(coordinator.handle(.tick, now: 100).isEmpty)
}

@Test("a run that was complete before a restart ends without workers")
func completeAlready() {
    var coordinator = Coordinator(
        rules: CoordinatorRules(shards: 4, totalSteps: 3, evaluateEverySteps: 1, checkpointEverySteps: 1), version: 3,
        lastEvaluated: 3)
    #expect(coordinator.handle(.tick, now: 0) == [.finish(.completed)])
}

@Test("whatever workers come, go, stall and lie, every step is applied exactly once and in order", arguments: 1...400)
func randomLives(seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    var coordinator = coordinator(shards: 7, steps: 12, evaluate: 4, checkpoint: 3)
    var applied: [Int] = []
    var alive: [WorkerIdentifier] = []
    var next = 0
    var now = 0.0
    var evaluations: [Int] = []
    /// One that lies, in every other seed.
    var liar: WorkerIdentifier?
    /// What partitions are doing; they take their time.
    var underWay: CoordinatorAction?
    func carryOut(_ actions: [CoordinatorAction], _ coordinator: inout Coordinator) {
        for action in actions {
            switch action {
            case .awaitSums: underWay = action
            case .apply(let step, let outcome, _):
                applied.append(step)
                #expect(outcome.tokens == 70, "seed \(seed)")
                underWay = action
            case .evaluated(let version, _): evaluations.append(version)
            case .dismissed(let worker, _), .left(let worker), .expelled(let worker, _):
                alive.removeAll { $0 == worker }
                if worker == liar { liar = nil }
            case .restartSum: underWay = nil
            case .sendWeights, .grant, .checkpoint, .finish, .applyUpdate, .dropSum, .warned: break
            }
        }
    }
    for _ in 0..<3000 {
        now += 0.1
        if case .finished = coordinator.phase { break }
        if let action = underWay, random.next() % 3 == 0 {
            underWay = nil
            switch action {
            case .awaitSums(let step):
                let event: CoordinatorEvent =
                    random.next() % 4 == 0 ? .gradientsLost(step: step) : .reduced(step: step)
                carryOut(coordinator.handle(event, now: now), &coordinator)
            case .apply(let step, _, _):
                carryOut(coordinator.handle(.applied(version: step + 1), now: now), &coordinator)
            default: break
            }
        }
        let busy = alive.filter { coordinator.lease(of: $0) != nil }
        for worker in alive where random.next() % 5 == 0 {
            guard let late = coordinator.lateLease(of: worker) else { continue }
            carryOut(coordinator.handle(.lateSpanDone(worker, lease: late.identifier), now: now), &coordinator)
        }
        switch random.next() % 10 {
        case 0 where alive.count < 4:
            let worker = WorkerIdentifier(Array("w\(next)".utf8))
            next += 1
            alive.append(worker)
            if seed % 2 == 0, liar == nil, random.next() % 3 == 0 { liar = worker }
            carryOut(
                coordinator.handle(.workerReady(worker, name: "n\(next % 5)", process: "\(worker)"), now: now),
                &coordinator)
        case 1 where !alive.isEmpty:
            let worker = alive[Int(random.next() % UInt64(alive.count))]
            let isLoss = random.next() % 2 == 0
            let event: CoordinatorEvent = isLoss ? .workerGone(worker, reason: "test") : .workerLeft(worker)
            carryOut(coordinator.handle(event, now: now), &coordinator)
        case 2...8 where !busy.isEmpty:
            let worker = busy[Int(random.next() % UInt64(busy.count))]
            // Who lies alone, or twice of the same, is believed: there is nobody to ask.
            if worker == liar, alive.count > 1, coordinator.disputeText == nil, random.next() % 2 == 0,
                let lease = coordinator.lease(of: worker)
            {
                let first = lease.span.lower
                let bad = lease.span.indices.map { ShardOutcome(shard: $0, loss: .nan, tokens: 10) }
                let lies: [CoordinatorEvent] = [
                    .spanDone(worker, lease: lease.identifier, outcomes: bad),
                    .computationFailed(worker, step: lease.step, shard: first, reason: "no"),
                    .stateUnusable(worker, lease: lease.identifier, shard: first),
                    .gradientUnusable(worker, sum: lease.sum, shard: first), .misconduct(worker, reason: "counts"),
                ]
                carryOut(coordinator.handle(lies[Int(random.next() % 5)], now: now), &coordinator)
            } else {
                carryOut(coordinator.deliver(worker, now: now), &coordinator)
            }
        default:
            for worker in alive where random.next() % 4 != 0 {
                carryOut(coordinator.handle(.heard(worker), now: now), &coordinator)
            }
            carryOut(coordinator.handle(.tick, now: now), &coordinator)
        }
    }
    #expect(applied == Array(0..<12), "seed \(seed)")
    #expect(evaluations == [4, 8, 12], "seed \(seed)")
    #expect(coordinator.phase == .finished(.completed), "seed \(seed)")
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Test("an acknowledgement that comes twice does not make a worker seem behind")
func repeatedAcknowledgements() throws {
    var coordinator = coordinator()
    _ = coordinator.handle(.workerReady(alice, name: "a", process: "\(alice)"), now: 0)
    _ = coordinator.finish(alice)
    _ = coordinator.handle(.applied(version: 1), now: 1)
    _ = coordinator.handle(.acknowledged(alice, version: 1), now: 1)
    _ = coordinator.handle(.acknowledged(alice, version: 0), now: 1)
    let lease = try #require(coordinator.lease(of: alice))
    _ = coordinator.handle(.spanDone(alice, lease: lease.identifier, outcomes: reported(lease.span)), now: 1)
    let actions = coordinator.handle(.reduced(step: 1), now: 1)
    guard case .apply(step: 1, _, let recipients)? = actions.first else {
        Issue.record("\(actions)")
        return
    }
    #expect(recipients == [alice])
}
