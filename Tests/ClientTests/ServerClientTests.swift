// Questions get answers, or typed errors within their deadline.

import Client
import Foundation
import Messaging
import Platform
import Testing
import WireProtocol

/// The time that a piece of work takes.
func seconds(_ work: () throws -> Void) rethrows -> Double {
    let began = MonotonicClock.seconds
    try work()
    return MonotonicClock.seconds - began
}

@Suite("server client")
struct ServerClientTests {
    @Test("a status comes through with all its numbers; what is not a number is missing")
    func status() throws {
        let server = try FakeServer { _ in
            var status = WireStatus()
            status.phase = "training"
            status.step = 12
            status.stepsTotal = 100
            status.trainingLoss = .nan
            status.smoothedLoss = 1.5
            status.validationLoss = 1.75
            status.tokensPerSecond = 1000
            status.secondsLeft = 88
            var worker = WireWorkerStatus()
            worker.name = "worker-1"
            worker.process = 77
            worker.span.lower = 2
            worker.span.upper = 4
            status.workers = [worker]
            var counter = WireCounter()
            counter.name = "malformed"
            counter.value = 3
            status.counters = [counter]
            status.seconds = [WireActivitySeconds("adam", seconds: 2.5), WireActivitySeconds("sum", seconds: .nan)]
            status.lastStepUptimeSeconds = 3.25
            status.workers[0].seconds = [WireActivitySeconds("wait", seconds: 0.25)]
            return [.body(.status(status))]
        }
        let status = try ServerClient(server.endpoint).status()
        #expect(status.step == 12 && status.totalSteps == 100 && status.phase == "training" && !status.isFinished)
        #expect(status.trainingLoss == nil && status.smoothedLoss == 1.5)
        #expect(status.validationLoss == 1.75 && status.bestValidationLoss == nil)
        #expect(status.secondsLeft == 88)
        #expect(status.workers.map(\.process) == [77] && status.workers[0].span == [2, 4])
        #expect(status.counters == ["malformed": 3])
        #expect(status.seconds == ["adam": 2.5] && status.workers[0].seconds == ["wait": 0.25])
        #expect(status.lastStepUptimeSeconds == 3.25)
        let json = try JSONDecoder().decode(RunStatus.self, from: JSONEncoder().encode(status))
        #expect(json == status)
    }

    @Test("an endpoint where nobody listens is told soon, and well before the deadline")
    func nobody() throws {
        let endpoint = try FakeServer { _ in [] }.endpoint  // free again, as nobody keeps the server
        MonotonicClock.sleep(seconds: 0.2)
        let took = seconds {
            #expect(throws: ClientError.nobodyListens(endpoint)) { try ServerClient(endpoint).status() }
        }
        #expect(took < 3.5)
    }

    @Test("a server that gives no answer is waited for no longer than the deadline")
    func silence() throws {
        let server = try FakeServer { _ in [] }
        let took = seconds {
            #expect(throws: ClientError.noAnswer(server.endpoint, seconds: 0.5)) {
                try ServerClient(server.endpoint, answerSecondsMax: 0.5).status()
            }
        }
        #expect(took >= 0.5 && took < 2)
    }

    @Test("what takes connections and says nothing, as a port between two lives of a server, has given no answer")
    func mute() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(listener, $0, length) == 0 && listen(listener, 4) == 0)
                #expect(getsockname(listener, $0, &length) == 0)
            }
        }
        let endpoint = Endpoint("tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
        do {
            _ = try ServerClient(endpoint, answerSecondsMax: 0.7).status()
            Issue.record("a status came from nowhere")
        } catch {
            #expect(error == .noAnswer(endpoint, seconds: 0.7))
        }
        #expect(endpoint.probe(withinMilliseconds: 200) == .mute)
    }

    @Test("answers that are no messages, or of another protocol version, are errors that say so")
    func foreignAnswers() throws {
        var old = WireHeader(run: "", incarnation: 0, body: .status(WireStatus()))
        old.protocolVersion = 99
        for (bytes, words) in [(Array("hello".utf8), "malformed"), (old.encoded(), "version 99"), ([], "version 0")] {
            let server = try FakeServer { _ in [.raw(bytes)] }
            do {
                _ = try ServerClient(server.endpoint).status()
                Issue.record("\(bytes) was taken")
            } catch {
                #expect("\(error)".contains(words) && !"\(error)".contains("\n"), "\(error)")
                guard case .otherProtocol = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }

    @Test("a refusal becomes an error of one line with the server's reason")
    func refusal() throws {
        let server = try FakeServer { _ in
            var refusal = WireRefusal()
            refusal.reason = .unknownVersion
            refusal.explanation = "no such\nversion"
            return [.body(.refusal(refusal))]
        }
        #expect(throws: ClientError.refused(server.endpoint, reason: "no such version")) {
            try ServerClient(server.endpoint).snapshot(.version(3))
        }
    }

    @Test("deaths and stop requests are acknowledged; other messages in between are passed over")
    func requests() throws {
        let server = try FakeServer { _ in
            [.body(.heartbeatReply(WireHeartbeatReply())), .body(.acknowledgement(WireAcknowledgement()))]
        }
        let client = try ServerClient(server.endpoint)
        try client.reportDeath(ofWorker: "worker-2", process: 4711)
        try client.stop()
        guard case .workerDeath(let death) = server.messages[0], case .stopRequest = server.messages[1] else {
            Issue.record("\(server.messages)")
            return
        }
        #expect(death.name == "worker-2" && death.process == 4711)
    }

    @Test(
        "text that is no endpoint is refused before anything is tried",
        arguments: [
            "", "localhost", "127.0.0.1:5555", "tcp://", "tcp://host", "tcp://host:x", "tcp://*:5", "udp://a:1",
        ])
    func endpoints(text: String) {
        #expect(throws: ClientError.invalidEndpoint(text)) { try Endpoint(typed: text) }
        #expect(throws: Never.self) { try Endpoint(typed: "tcp://node-7.example.org:5555") }
    }
}

@Suite("status feed")
struct StatusFeedTests {
    @Test("a feed keeps asking, through the death and the return of the server")
    func restarts() throws {
        let answer: @Sendable (WireHeader.OneOf_Body) -> [FakeServer.Answer] = { _ in
            var status = WireStatus()
            status.step = 5
            return [.body(.status(status))]
        }
        var server: FakeServer? = try FakeServer(answer)
        let endpoint = try #require(server?.endpoint)
        let feed = try StatusFeed(endpoint, intervalSeconds: 0.05)
        func next(within limit: Double) throws -> RunStatus? {
            let end = MonotonicClock.seconds + limit
            while MonotonicClock.seconds < end {
                if let status = try feed.next(withinMilliseconds: 20) { return status }
            }
            return nil
        }
        for _ in 0..<3 { #expect(try next(within: 5)?.step == 5) }
        server?.stop()
        server = nil
        MonotonicClock.sleep(seconds: 0.3)
        while try next(within: 0.3) != nil {}
        #expect(feed.silentSeconds > 0.2)
        feed.reportDeath(ofWorker: "worker-1", process: 1)  // lost, and nothing worse
        server = try FakeServer(at: endpoint, answer)
        #expect(try next(within: 10)?.step == 5)
        #expect(feed.silentSeconds < 1 && feed.wasReached)
    }

    @Test("a feed never waits longer than it is told to")
    func neverWaits() throws {
        let feed = try StatusFeed("tcp://127.0.0.1:9", intervalSeconds: 0.05)
        for _ in 0..<10 {
            let took = try seconds {
                let status = try feed.next(withinMilliseconds: 20)
                #expect(status == nil)
            }
            #expect(took < 1)
        }
    }
}
