// A worker that lies to a real server: it is kept out, and the run goes on to the same bits.

import Foundation
import Testing
import WireProtocol

/// A worker of its own making: says hello, asks for work, and answers its lease as the test likes.
private struct LyingWorker {
    let peer: RawPeer
    let name: String
    var run = ""

    init(_ endpoint: String, name: String) throws {
        peer = try RawPeer(endpoint)
        self.name = name
        #expect(peer.greet(), "the server does not greet")
    }

    func send(_ body: WireHeader.OneOf_Body, frames: [[UInt8]] = []) {
        let header = WireHeader(run: run, incarnation: run.isEmpty ? 0 : 1, body: body).encoded()
        let all = [header] + frames
        peer.send([UInt8](all.enumerated().map { RawPeer.frame($1, more: $0 < all.count - 1) }.joined()))
    }

    /// The next message's header; `nil` if none comes within 5 s.
    func receive() -> WireHeader? {
        var first: [UInt8]?
        while let flags = peer.receive(1)?.first {
            let length = flags & 2 == 0 ? peer.receive(1) : peer.receive(8)
            guard let size = length?.reduce(0, { $0 << 8 | Int($1) }), let body = peer.receive(size) else { return nil }
            if flags & 4 == 0, first == nil { first = body }
            if flags & 1 == 0, let first { return first.withUnsafeBytes { try? WireHeader.decode($0) } }
        }
        return nil
    }

    /// The next message that `select` takes.
    func await<Answer>(_ select: (WireHeader.OneOf_Body) -> Answer?) -> Answer? {
        let deadline = Date().addingTimeInterval(20)
        while Date() < deadline, let header = receive() {
            if let body = header.body, let answer = select(body) { return answer }
        }
        return nil
    }

    func hello() {
        var hello = WireHello()
        (hello.name, hello.instance) = (name, "liar/\(name)")
        hello.host = "\u{1B}[2J" + String(repeating: "e\u{301}", count: 10_000)
        send(.hello(hello))
    }

    /// Joins, and waits for a lease.
    mutating func lease() -> WireLease? {
        hello()
        guard let welcome = receive(), case .welcome? = welcome.body else { return nil }
        run = welcome.run
        var ready = WireReady()
        ready.joins = true
        send(.ready(ready))
        return self.await { if case .lease(let lease) = $0 { lease } else { nil } }
    }

    func refusal() -> WireRefusal? { self.await { if case .refusal(let refusal) = $0 { refusal } else { nil } } }
}

@Suite("bad workers", .serialized)
struct BadWorkerTests {
    @Test("workers that report failures, wrong counts or losses are kept out by name, and the bits stay the same")
    func liarsAreKeptOut() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 400)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)

        for name in ["fails", "counts", "infinite"] {
            let cluster = try SmallCluster(scratch, run: name)
            // The liar is there first, and gets a lease; then an honest worker comes.
            var liar = try LyingWorker(cluster.endpoint, name: name)
            let found = liar.lease()
            let lease = try #require(found, "\(name) got no lease")
            lie(liar, lease)
            try cluster.addWorker()
            let refusal = liar.refusal()
            #expect(refusal?.reason == .keptOut, "\(name): \(String(describing: refusal))")
            // It cannot just say hello again.
            if cluster.server.isRunning, let again = try? LyingWorker(cluster.endpoint, name: name) {
                again.hello()
                if let answer = again.refusal() { #expect(answer.explanation.contains("kept out for"), "\(answer)") }
            }
            #expect(cluster.server.wait().code == 0, "\(name)")
            #expect(try scratch.digest(ofRun: name) == scratch.digest(ofRun: "quiet"), "\(name)")
            let log = cluster.server.errors
            #expect(log.contains("worker kept out") && log.contains("worker=\(name)"), "\(name): \(log)")
            let isClean = log.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 }
            #expect(isClean && log.utf8.count < 100_000, "\(name): raw control characters in the log")
        }
    }

    /// What the liar answers to its lease.
    private func lie(_ liar: LyingWorker, _ lease: WireLease) {
        if liar.name == "fails" {
            var failure = WireComputationFailed()
            (failure.lease, failure.step, failure.reason) = (lease.lease, lease.step, "\u{1B}[31mno")
            return liar.send(.computationFailed(failure))
        }
        var done = WireSpanDone()
        (done.lease, done.step) = (lease.lease, lease.step)
        done.outcomes = (lease.span.lower..<lease.span.upper).map { shard in
            var outcome = WireShardOutcome()
            (outcome.shard, outcome.loss, outcome.tokens) = (shard, 1, liar.name == "counts" ? 0 : 32)
            return outcome
        }
        if liar.name == "infinite" { done.outcomes[0].loss = -.infinity }
        liar.send(.spanDone(done), frames: done.outcomes.map { _ in [] })
    }
}
