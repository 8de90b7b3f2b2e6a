// Bad worker or bad data: what becomes of a result that cannot be used.

import Numerics
import Testing

@testable import Cluster

private let alice = WorkerIdentifier(Array("alice".utf8))
private let bob = WorkerIdentifier(Array("bob".utf8))
private let carol = WorkerIdentifier(Array("carol".utf8))

private func cluster(_ workers: [WorkerIdentifier], isSynchronous: Bool = true, evaluate: Int? = nil) -> Coordinator {
    var rules = CoordinatorRules(
        shards: 4, totalSteps: 3, evaluateEverySteps: evaluate, checkpointEverySteps: 0, expectedWorkers: workers.count)
    rules.isSynchronous = isSynchronous
    var coordinator = Coordinator(rules: rules)
    for worker in workers { _ = coordinator.join(worker) }
    return coordinator
}

private func leases(_ actions: [CoordinatorAction]) -> [(worker: WorkerIdentifier, lease: Lease)] {
    actions.compactMap { if case .grant(let worker, let lease) = $0 { (worker, lease) } else { nil } }
}

private func end(_ actions: [CoordinatorAction]) -> RunEnd? {
    actions.lazy.compactMap { if case .finish(let end) = $0 { end } else { nil } }.first
}

private func expelled(_ actions: [CoordinatorAction]) -> [WorkerIdentifier] {
    actions.compactMap { if case .expelled(let worker, _) = $0 { worker } else { nil } }
}

extension Coordinator {
    fileprivate mutating func join(_ worker: WorkerIdentifier, now: Double = 0) -> [CoordinatorAction] {
        handle(.workerReady(worker, name: "\(worker)", process: "\(worker)"), now: now)
    }

    /// The worker delivers its lease, with the same loss for every shard.
    fileprivate mutating func deliver(
        _ worker: WorkerIdentifier, loss: Double = 1, now: Double = 1
    ) -> [CoordinatorAction] {
        guard let lease = lease(of: worker) ?? lateLease(of: worker) else { return [] }
        var actions = handle(.acknowledged(worker, version: lease.version), now: now)
        if self.lease(of: worker) == nil {
            return actions + handle(.lateSpanDone(worker, lease: lease.identifier), now: now)
        }
        let outcomes = lease.span.indices.map { ShardOutcome(shard: $0, loss: loss, tokens: 10) }
        actions += handle(.spanDone(worker, lease: lease.identifier, outcomes: outcomes), now: now)
        return actions
    }

    /// Everybody else delivers until the step is summed and applied.
    fileprivate mutating func finishStep(_ workers: [WorkerIdentifier], now: Double = 2) -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        let version = version
        for _ in 0..<8 where phase == .training { for worker in workers { actions += deliver(worker, now: now) } }
        actions += handle(.reduced(step: version), now: now)
        return actions + handle(.applied(version: version + 1), now: now)
    }
}

@Test("a loss that is no number has its span computed by another worker, and everything of the step begins anew")
func anotherWorkerComputesIt() {
    var coordinator = cluster([alice, bob])
    let span = coordinator.lease(of: alice)?.span
    let actions = coordinator.deliver(alice, loss: .nan)
    #expect(actions.contains(.restartSum(0, refusing: [alice])))
    #expect(end(actions) == nil)
    // Bob computes its first lease to the end, in vain.
    let next = leases(coordinator.deliver(bob))
    #expect(next.map(\.worker) == [bob])
    #expect(next.map(\.lease.span) == [span])
    #expect(coordinator.disputeText?.contains("alice") ?? false)
}

@Test("if another worker's result is sound, the first worker is let go of and kept out; the run goes on")
func badWorkerIsKeptOut() {
    var coordinator = cluster([alice, bob])
    _ = coordinator.deliver(alice, loss: .infinity)
    let actions = coordinator.finishStep([bob])
    #expect(expelled(actions) == [alice])
    #expect(coordinator.version == 1)
    #expect(leases(actions).last?.worker == bob)
    #expect(coordinator.statistics.workersExpelled == 1 && coordinator.statistics.resultsContradicted == 1)
    // Neither on a new connection nor under its name in a new process.
    let again = WorkerIdentifier(Array("again".utf8))
    for (name, process) in [("other", "\(alice)"), ("\(alice)", "other")] {
        let answer = coordinator.handle(.workerReady(again, name: name, process: process), now: 30)
        guard case .dismissed(again, let reason)? = answer.first else {
            Issue.record("let in: \(answer)")
            continue
        }
        #expect(reason.contains("kept out for 32 s"))
    }
    #expect(coordinator.join(alice, now: 62.5).first == .sendWeights(alice))
}

@Test("if two workers agree on what is no number, the run ends and says where, and that both computed it")
func twoAgree() {
    var coordinator = cluster([alice, bob])
    let span = coordinator.lease(of: alice)?.span ?? ShardRange(0, 0)
    _ = coordinator.deliver(alice, loss: .nan)
    _ = coordinator.deliver(bob)
    guard case .diverged(let divergence)? = end(coordinator.deliver(bob, loss: .nan)) else {
        Issue.record("the run goes on")
        return
    }
    #expect(divergence.step == 0 && divergence.span == span && divergence.workers == ["\(alice)", "\(bob)"])
    #expect(divergence.description.contains("step 1: the loss of shard 0 is nan"))
}

@Test("two workers whose unusable losses differ do not agree: a third one decides")
func thirdDecides() {
    var coordinator = cluster([alice, bob, carol])
    _ = coordinator.deliver(alice, loss: .nan)
    _ = coordinator.deliver(bob)
    #expect(end(coordinator.deliver(bob, loss: .infinity)) == nil)
    _ = coordinator.deliver(carol)
    #expect(Set(expelled(coordinator.finishStep([carol]))) == [alice, bob])
}

@Test("a report that a worker cannot compute ends no run: another one computes it")
func reportsEndNothing() {
    var coordinator = cluster([alice, bob])
    let actions = coordinator.handle(.computationFailed(alice, step: 0, shard: 0, reason: "no"), now: 1)
    #expect(end(actions) == nil)
    #expect(expelled(coordinator.finishStep([bob])) == [alice])
}

@Test("a state, or a gradient, that is not finite is a claim like a loss; a gradient also behind its lease")
func statesAndGradients() {
    var coordinator = cluster([alice, bob])
    let lease = coordinator.lease(of: alice)!
    #expect(
        coordinator.handle(.stateUnusable(alice, lease: lease.identifier, shard: 0), now: 1)
            .contains(.restartSum(0, refusing: [alice])))
    #expect(expelled(coordinator.finishStep([bob])) == [alice])

    coordinator = cluster([alice, bob])
    _ = coordinator.deliver(alice)
    #expect(
        coordinator.handle(.gradientUnusable(alice, sum: 0, shard: 0), now: 1)
            .contains(.restartSum(0, refusing: [alice])))
    #expect(coordinator.handle(.gradientUnusable(alice, sum: 0, shard: 0), now: 1).isEmpty, "another chunk of it")
    #expect(expelled(coordinator.finishStep([bob])) == [alice])
}

@Test("a sum that is not finite, of parts that nobody has looked at, is computed again by all")
func sumsBeginAnew() {
    var coordinator = cluster([alice, bob])
    _ = coordinator.deliver(alice)
    _ = coordinator.deliver(bob)
    let actions = coordinator.handle(.sumUnusable(0), now: 1)
    #expect(actions.first == .restartSum(0, refusing: []))
    #expect(Set(leases(actions).map(\.worker)) == [alice, bob])
    #expect(expelled(coordinator.finishStep([alice, bob])).isEmpty)
    #expect(coordinator.version == 1)
}

@Test("a worker alone computes again what it could not: the same again ends the run in bounded time")
func aloneAndTheSame() {
    var coordinator = cluster([alice])
    _ = coordinator.deliver(alice, loss: .nan, now: 1)
    _ = coordinator.handle(.heard(alice), now: 3)
    #expect(leases(coordinator.handle(.tick, now: 3)).isEmpty, "another worker may come")
    _ = coordinator.handle(.heard(alice), now: 4.5)
    #expect(leases(coordinator.handle(.tick, now: 4.5)).map(\.worker) == [alice])
    guard case .diverged(let divergence)? = end(coordinator.deliver(alice, loss: .nan, now: 5)) else {
        Issue.record("the run goes on")
        return
    }
    #expect(divergence.workers == ["\(alice)"])
    #expect(divergence.description.contains("computed twice by"))
}

@Test("a worker alone whose second result is sound goes on, and is warned of")
func aloneAndSound() {
    var coordinator = cluster([alice])
    _ = coordinator.deliver(alice, loss: .nan, now: 1)
    _ = coordinator.handle(.tick, now: 4.5)
    let actions = coordinator.finishStep([alice], now: 5)
    #expect(expelled(actions).isEmpty)
    #expect(actions.contains { if case .warned(alice, _) = $0 { true } else { false } })
    #expect(coordinator.version == 1 && coordinator.statistics.resultsContradicted == 1)
}

@Test("a worker that joins gives the second opinion, also after the first has gone")
func newcomersDecide() {
    var coordinator = cluster([alice])
    _ = coordinator.deliver(alice, loss: .nan, now: 1)
    _ = coordinator.handle(.workerGone(alice, reason: "its process ended"), now: 1.5)
    #expect(leases(coordinator.join(bob, now: 2)).map(\.worker) == [bob])
    _ = coordinator.finishStep([bob], now: 2)
    #expect(coordinator.version == 1)
    #expect(coordinator.refusal(of: ["\(alice)"], now: 3) != nil)
}

@Test("a worker that sends what no data give is kept out at once, and what it sent before does not count")
func misconduct() {
    var coordinator = cluster([alice, bob])
    let actions = coordinator.handle(.misconduct(alice, reason: "other counts"), now: 1)
    #expect(expelled(actions) == [alice])
    #expect(actions.contains(.restartSum(0, refusing: [])))
    #expect(coordinator.refusal(of: ["\(alice)"], now: 1) == "kept out for 60 s more: other counts")
    _ = coordinator.finishStep([bob])
    #expect(coordinator.version == 1)
}

@Test("each further time a worker is kept out for twice as long, and never for ever")
func longerEachTime() {
    var exclusions = Exclusions()
    for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
        exclusions.add(["a"], reason: "r", now: 0)
        #expect(exclusions.refusal(["b", "a"], now: 0) == "kept out for \(seconds) s more: r")
    }
    #expect(exclusions.refusal(["a"], now: 3601) == nil)
}

@Test("an evaluation that gives no number is computed by another worker, too")
func evaluations() {
    var coordinator = cluster([alice, bob], evaluate: 1)
    _ = coordinator.finishStep([alice, bob])
    #expect(coordinator.phase == .evaluating)
    _ = coordinator.deliver(alice, loss: .nan)
    var actions: [CoordinatorAction] = []
    for _ in 0..<4 { actions += coordinator.deliver(bob) }
    #expect(expelled(actions) == [alice])
    #expect(actions.contains { if case .evaluated = $0 { true } else { false } })
}

@Test("without common steps another worker computes the same shards, and the first one is kept out")
func withoutCommonSteps() {
    var coordinator = cluster([alice, bob], isSynchronous: false)
    let lease = coordinator.lease(of: alice)!
    let actions = coordinator.deliver(alice, loss: .nan)
    #expect(actions.contains(.dropSum(lease.sum)))
    #expect(leases(actions).isEmpty, "alice gets nothing meanwhile")
    let second = leases(coordinator.deliver(bob))
    #expect(second.map(\.worker) == [bob] && second.map(\.lease.span) == [lease.span])
    _ = coordinator.handle(.reduced(step: 2), now: 1)
    _ = coordinator.handle(.applied(version: 1), now: 1)
    _ = coordinator.deliver(bob)
    var found = coordinator.handle(.reduced(step: second.first?.lease.sum ?? 0), now: 1)
    found += coordinator.handle(.applied(version: 2), now: 1)
    #expect(expelled(found) == [alice])
}

@Test("without common steps a sum that is not finite is one worker's, and two that agree end the run")
func sumsWithoutCommonSteps() {
    var coordinator = cluster([alice, bob], isSynchronous: false)
    let lease = coordinator.lease(of: alice)!
    _ = coordinator.deliver(alice)
    #expect(coordinator.handle(.sumUnusable(lease.sum), now: 1).contains(.dropSum(lease.sum)))
    _ = coordinator.deliver(bob)
    _ = coordinator.handle(.reduced(step: 2), now: 1)
    _ = coordinator.handle(.applied(version: 1), now: 1)
    guard let second = coordinator.lease(of: bob), second.span == lease.span else {
        Issue.record("bob does not compute what is in dispute")
        return
    }
    _ = coordinator.deliver(bob)
    guard case .diverged? = end(coordinator.handle(.sumUnusable(second.sum), now: 1)) else {
        Issue.record("the run goes on")
        return
    }
}
