// Whoever can reach the port does what they like; the run goes on to the same bits, in bounded memory, and counts them.

import Foundation
import Testing
import WireProtocol

@Suite("hostile input", .serialized)
struct HostileInputTests {
    /// As the server computes it for a small model, and what comes in between two looks at the memory.
    private static let memoryMiBMax = 512 + 256 + 300

    private func configuration(_ training: String) -> String {
        """
        task: language-model
        data: {train: corpus.txt, validation: 0, tokenizer: characters}
        model: {cell: lstm, layers: 2, hidden: 24, embedding: 12}
        training: {batch: 12, sequence: 16, shards: 6, adam: {rate: 0.01}, clip: 1.0, \(training)}
        checkpoints: {every: 100000000, keep: 2}
        """
    }

    private func header(
        _ body: WireHeader.OneOf_Body, run: String = "", incarnation: UInt64 = 0
    ) -> [UInt8] { WireHeader(run: run, incarnation: incarnation, body: body).encoded() }

    private func peer(_ endpoint: String) throws -> RawPeer {
        let peer = try RawPeer(endpoint)
        #expect(peer.greet(), "the server does not greet")
        return peer
    }

    private var status: [UInt8] { RawPeer.frame(header(.statusRequest(WireStatusRequest()))) }

    private func push(step: UInt64) -> WireHeader.OneOf_Body {
        var push = WirePush()
        push.sum = step
        push.node.upper = 1
        return .push(push)
    }

    private func counters(_ scratch: Scratch, _ endpoint: String) throws -> (step: Int, counters: [String: Int]) {
        let answer = try scratch.run(.rondo, "status", endpoint, "--json", seconds: 30)
        let object = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
        return (object?["step"] as? Int ?? -1, object?["counters"] as? [String: Int] ?? [:])
    }

    private func largestMemoryMiB(_ process: pid_t) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }.map { $0 / 1024 } ?? -1
    }

    @Test(
        "noise, lies about sizes, strangers, replays, mute and greedy clients: the same bits, bounded memory, counted")
    func everything() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 2000)
        try scratch.write(configuration("steps: 1000000000"), to: "config.yaml")
        let cluster = try SmallCluster(scratch, run: "attacked", workers: 1)
        try cluster.waitForStep(5)
        let endpoint = cluster.endpoint

        // Clients that take nothing: one asks and never reads, one reads a byte a second. They last to the end.
        let mute = try peer(endpoint)
        let slow = try peer(endpoint)
        mute.send([UInt8]((0..<30_000).map { _ in status }.joined()))
        slow.send([UInt8]((0..<2_000).map { _ in status }.joined()))
        let slowReader = Thread { for _ in 0..<60 where slow.receive(1) != nil { sleep(1) } }
        slowReader.start()
        let silent = try (0..<10).map { _ in try RawPeer(endpoint) }

        try noise(endpoint)
        try lies(endpoint)
        try strangers(endpoint)
        try replays(endpoint)
        try crowd(endpoint)
        try endlessMessage(endpoint)

        // The mute client is cut off after 15 s, the silent ones after 3.
        var seen = try counters(scratch, endpoint)
        let deadline = Date().addingTimeInterval(30)
        while Date() < deadline, seen.counters["silent-connections", default: 0] < silent.count {
            usleep(200_000)
            seen = try counters(scratch, endpoint)
        }
        for name in [
            "malformed", "wrong-run", "stale-incarnation", "unknown-worker", "stale-pushes", "silent-connections",
            "failed-handshakes", "fruitless-connections", "cut-connections", "dropped-answers",
        ] {
            #expect(seen.counters[name, default: 0] > 0, "\(name) of \(seen.counters)")
        }
        #expect(seen.counters["connections", default: 0] > 1000)
        #expect(seen.counters["workers-lost"] == 0, "\(seen.counters)")
        let memory = largestMemoryMiB(cluster.server.process)
        print("hostile input: the server's largest memory was \(memory) MiB; \(seen.counters)")
        #expect((1...Self.memoryMiBMax).contains(memory), "\(memory) MiB")

        let reached = try counters(scratch, endpoint).step
        try cluster.waitForStep(reached + 20)
        cluster.server.signal(SIGTERM)
        #expect(cluster.server.wait().code == 130)
        #expect(cluster.workers[0].wait().code == 0)
        let record = try JSONSerialization.jsonObject(
            with: Data(contentsOf: scratch.url("attacked/checkpoints/latest/run.json")))
        let step = try #require((record as? [String: Any])?["step"] as? Int)
        try scratch.write(configuration("steps: \(step)"), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)
        #expect(try scratch.digest(ofRun: "attacked") == scratch.digest(ofRun: "quiet"), "at step \(step)")
    }

    // MARK: - Attacks

    /// Bytes that mean nothing, from the start or after a proper introduction.
    private func noise(_ endpoint: String) throws {
        for round in 0..<40 {
            let peer = try RawPeer(endpoint)
            if round % 2 == 0 { peer.send(Array(RawPeer.greeting.prefix([12, 64][round / 2 % 2]))) }
            peer.send((0..<50_000).map { _ in UInt8.random(in: 0...255) })
        }
        let talker = try peer(endpoint)
        for length in [0, 1, 33, 1000, 100_000] {
            talker.send(RawPeer.frame((0..<length).map { _ in UInt8.random(in: 0...255) }))
        }
    }

    /// Frames and messages that claim, or have, sizes that nobody needs.
    private func lies(_ endpoint: String) throws {
        for size: UInt64 in [1 << 30, 1 << 40, 1 << 62, .max] {
            let peer = try peer(endpoint)
            peer.send([2] + (0..<8).map { UInt8(truncatingIfNeeded: size >> (56 - 8 * $0)) } + [1, 2, 3])
            #expect(peer.receive(1) == nil, "the connection is closed")
        }
        let unfinished = try peer(endpoint)
        unfinished.send([2, 0, 0, 0, 0, 0, 0xF0, 0, 0] + [UInt8](repeating: 7, count: 100_000))
        let many = try peer(endpoint)
        many.send([UInt8]((0..<10_000).map { RawPeer.frame([1, 2], more: $0 < 9_999) }.joined()))
        many.send(status)
        #expect(many.receiveFrame() != nil, "the connection goes on behind a message of too many frames")
    }

    /// Messages of another run, of another life of the server, of a worker that nobody knows.
    private func strangers(_ endpoint: String) throws {
        let peer = try peer(endpoint)
        peer.send(RawPeer.frame(header(push(step: 3), run: "another", incarnation: 1)))
        #expect(peer.receiveFrame() != nil)
        let run = try identity(peer)
        peer.send(RawPeer.frame(header(push(step: 3), run: run, incarnation: 7)))
        #expect(peer.receiveFrame() != nil)
        let other = try self.peer(endpoint)
        other.send(RawPeer.frame(header(push(step: 3), run: run, incarnation: 1)))
        #expect(other.receiveFrame() != nil)
    }

    /// Says hello, and learns the run's identifier from the welcome.
    private func identity(_ peer: RawPeer) throws -> String {
        var hello = WireHello()
        hello.name = "stranger"
        peer.send(RawPeer.frame(header(.hello(hello))))
        let frame = try #require(peer.receiveFrame())
        return try frame.withUnsafeBytes { try WireHeader.decode($0) }.run
    }

    /// A gradient of a step that is over, again and again.
    private func replays(_ endpoint: String) throws {
        let peer = try peer(endpoint)
        let run = try identity(peer)
        for step: UInt64 in [0, 1, 1, 2, .max, 1 << 63] {
            peer.send(RawPeer.frame(header(push(step: step), run: run, incarnation: 1)))
        }
        peer.send(status)
        #expect(peer.receiveFrame() != nil)
    }

    /// A thousand clients at once, each with a question, half of them with more than one.
    private func crowd(_ endpoint: String) throws {
        let clients = try (0..<1000).map { _ in try peer(endpoint) }
        let newest = RawPeer.frame(header(.snapshotRequest(WireSnapshotRequest())))
        for (number, client) in clients.enumerated() { client.send(number % 2 == 0 ? status : newest + status) }
        for (number, client) in clients.enumerated() {
            #expect(client.receiveFrame() != nil, "client \(number) has no answer")
        }
    }

    /// A message that never ends: it is cut off once it has filled the memory that it may.
    private func endlessMessage(_ endpoint: String) throws {
        let peer = try peer(endpoint)
        let frame = RawPeer.frame([UInt8](repeating: 1, count: 1 << 20), more: true)
        var sent = 0
        while sent < 4096, peer.send(frame) { sent += 1 }
        #expect(sent < 4096, "4 GiB of an unfinished message were taken")
    }
}
