// The worker's session, event by event.

import Numerics
import Testing

@testable import Cluster

private let lease = Lease(identifier: 1, work: .training, step: 3, span: ShardRange(0, 4))

private func serving() -> WorkerSession {
    var session = WorkerSession(now: 0)
    #expect(session.handle(.connected, now: 0) == [.sendHello])
    #expect(session.handle(.welcomed(incarnation: 2), now: 0) == [.prepareData])
    #expect(session.handle(.dataReady, now: 0) == [.sendReadyForWork])
    return session
}

@Test("a lease is computed once its weights are complete, whichever comes first")
func waitsForWeights() {
    var session = serving()
    #expect(session.handle(.leased(lease), now: 1).isEmpty)
    #expect(session.handle(.weightsReceived(version: 3, isLast: false), now: 1).isEmpty)
    #expect(
        session.handle(.weightsReceived(version: 3, isLast: true), now: 1) == [
            .acknowledge(version: 3), .compute(lease),
        ])
    #expect(session.handle(.computed, now: 2).isEmpty)
    #expect(session.phase == .waiting)
}

@Test("a lease for weights that are being replaced waits for the new ones")
func neverComputesWithMixedWeights() {
    var session = serving()
    _ = session.handle(.weightsReceived(version: 3, isLast: true), now: 1)
    _ = session.handle(.weightsReceived(version: 4, isLast: false), now: 1)
    #expect(session.handle(.leased(lease), now: 1).isEmpty)
}

@Test("a server that falls silent is connected to anew, and given up after the limit")
func reconnects() {
    var session = serving()
    #expect(session.handle(.tick, now: 4).isEmpty)
    #expect(session.handle(.tick, now: 6) == [.reconnect(reason: "the server is silent")])
    #expect(session.handle(.connected, now: 6) == [.sendHello])
    #expect(session.handle(.tick, now: 9) == [.reconnect(reason: "no answer to hello")])
    _ = session.handle(.connected, now: 61)
    #expect(session.handle(.tick, now: 61) == [.end(.unreachable(reason: "no answer from the server for 61 s"))])
}

@Test("computing for long is not taken for the server's silence")
func longComputation() {
    var session = serving()
    _ = session.handle(.weightsReceived(version: 3, isLast: true), now: 1)
    #expect(session.handle(.leased(lease), now: 1) == [.compute(lease)])
    #expect(session.handle(.tick, now: 50).isEmpty)
    _ = session.handle(.computed, now: 50)
    #expect(session.handle(.tick, now: 51).isEmpty)
}

@Test("asked to leave, it tells the server and ends")
func leaves() {
    var session = serving()
    #expect(session.handle(.leaveRequested, now: 1) == [.sendLeave, .end(.finished(reason: "asked to leave"))])
    #expect(session.handle(.tick, now: 100).isEmpty)
}

@Test("a lease that comes twice is computed once, and does not take the place of a newer one")
func repeatedLeases() {
    var session = serving()
    _ = session.handle(.leased(lease), now: 1)
    _ = session.handle(.weightsReceived(version: 3, isLast: true), now: 1)
    _ = session.handle(.computed, now: 2)
    #expect(session.handle(.leased(lease), now: 2).isEmpty)
    let next = Lease(identifier: 2, work: .training, step: 4, span: ShardRange(0, 4))
    _ = session.handle(.leased(next), now: 3)
    _ = session.handle(.leased(lease), now: 3)
    #expect(
        session.handle(.weightsReceived(version: 4, isLast: true), now: 3) == [
            .acknowledge(version: 4), .compute(next),
        ])
}

@Test("a server that sends nonsense is given up after a while, with longer pauses in between")
func nonsenseIsGivenUp() {
    var session = WorkerSession(now: 0)
    var pauses: [Double] = []
    var now = 0.0
    for _ in 0..<20 {
        _ = session.handle(.connected, now: now)
        _ = session.handle(.welcomed(incarnation: 1), now: now)
        _ = session.handle(.dataReady, now: now)
        let actions = session.handle(.misled(reason: "sent a lease of impossible shape"), now: now)
        if case .end(.fruitless(let reason))? = actions.first {
            #expect(reason.contains("sent a lease of impossible shape, 10 times"))
            #expect(pauses.prefix(6) == [0.2, 0.4, 0.8, 1.6, 3.2, 5])
            return
        }
        pauses.append(session.pauseSeconds)
        now += session.pauseSeconds
    }
    Issue.record("it goes on for ever: \(pauses)")
}

@Test("a server that talks and is of no use is given up when the patience is over, as one that is silent")
func patienceCountsProgress() {
    var session = WorkerSession(now: 0, patienceSeconds: 30)
    var now = 0.0
    while now < 60 {
        _ = session.handle(.connected, now: now)
        let actions = session.handle(.refused(reason: "not now", isFinal: false), now: now)
        if case .end(.fruitless)? = actions.first { break }
        now += session.pauseSeconds
    }
    #expect((30..<40).contains(now))
}

@Test("a worker that is kept out ends and says so")
func keptOutEnds() {
    var session = WorkerSession(now: 0)
    _ = session.handle(.connected, now: 0)
    #expect(session.handle(.keptOut(reason: "r"), now: 1) == [.end(.keptOut(reason: "r"))])
}
