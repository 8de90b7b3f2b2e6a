// Whoever watches a run learns how it ended.

import Foundation
import Testing

@Suite("watchers", .serialized)
struct WatcherTests {
    private func scratchRun(steps: Int? = nil) throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        let text = smallConfiguration()
        try scratch.write(
            steps.map { text.replacingOccurrences(of: "epochs: 2", with: "epochs: 1000000, steps: \($0)") } ?? text,
            to: "config.yaml")
        return scratch
    }

    private func lastLine(_ ending: Ending) throws -> [String: Any] {
        let line = try #require(ending.output.split(separator: "\n").last, "\(ending)")
        return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(ending)")
    }

    private func expectEnding(_ monitor: Ending, _ how: String, _ code: Int32, phase: String) throws {
        #expect(monitor.code == code, "\(monitor)")
        let last = try lastLine(monitor)
        #expect(last["phase"] as? String == phase, "\(last)")
        let ending = try #require(last["ending"] as? [String: Any], "\(last)")
        #expect(ending["how"] as? String == how && ending["exitCode"] as? Int == Int(code), "\(ending)")
    }

    @Test("a monitor ends with a complete run at once, with code 0, and its last line says so")
    func completed() throws {
        let scratch = try scratchRun()
        let cluster = try SmallCluster(scratch, run: "run")
        let monitor = try RunningProgram(
            .rondo, ["monitor", cluster.endpoint, "--json", "--every", "0.05"], in: scratch)
        let plain = try RunningProgram(.rondo, ["monitor", cluster.endpoint], in: scratch)
        let deadline = Date().addingTimeInterval(20)
        while monitor.output.isEmpty || plain.output.isEmpty, Date() < deadline { usleep(20_000) }
        try cluster.addWorker()
        #expect(cluster.server.wait().code == 0)
        let began = Date()
        try expectEnding(monitor.wait(seconds: 10), "completed", 0, phase: "finished")
        let ending = plain.wait(seconds: 10)
        #expect(ending.code == 0 && ending.output.hasSuffix("the run is complete\n"), "\(ending)")
        #expect(Date().timeIntervalSince(began) < 3)
        let record = try String(contentsOf: scratch.url("run/end.json"), encoding: .utf8)
        #expect(record.contains("completed"))
    }

    @Test("a monitor of a run that is stopped ends with 130, of one that gives up with its code and its words")
    func stopped() throws {
        let scratch = try scratchRun(steps: 100_000_000)
        let cluster = try SmallCluster(scratch, run: "run", workers: 1)
        try cluster.waitForStep(5)
        let monitor = try RunningProgram(.rondo, ["monitor", cluster.endpoint, "--json"], in: scratch)
        while monitor.output.isEmpty, monitor.isRunning { usleep(20_000) }
        cluster.server.signal(SIGTERM)
        #expect(cluster.server.wait().code == 130)
        try expectEnding(monitor.wait(seconds: 10), "interrupted", 130, phase: "interrupted")
        let server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run", "--endpoint-file", "again",
                "--resume", "--patience", "3",
            ], in: scratch)
        let second = try RunningProgram(
            .rondo, ["monitor", try server.endpoint(from: scratch.path("again"))], in: scratch)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("run/end.json")))
        #expect(server.wait(seconds: 30).code == 69)
        let ending = second.wait(seconds: 10)
        #expect(ending.code == 69 && ending.errors.contains("--patience"), "\(ending)")
    }

    @Test("a monitor follows a server that is killed, comes back at another port and completes the run")
    func moved() throws {
        let scratch = try scratchRun(steps: 400)
        let cluster = try SmallCluster(scratch, run: "run", workers: 1)
        try cluster.waitForStep(5)
        let monitor = try RunningProgram(
            .rondo, ["monitor", cluster.endpoint, "--json", "--every", "0.2"], in: scratch)
        while monitor.output.isEmpty, monitor.isRunning { usleep(20_000) }
        cluster.server.signal(SIGKILL)
        _ = cluster.server.wait()
        for worker in cluster.workers { worker.signal(SIGKILL) }
        let file = scratch.path("run/endpoint")
        let server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run", "--endpoint-file", file,
                "--resume",
            ], in: scratch)
        let deadline = Date().addingTimeInterval(20)
        var endpoint = cluster.endpoint
        while endpoint == cluster.endpoint || endpoint.isEmpty, Date() < deadline {
            usleep(20_000)
            endpoint = ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").trimmingCharacters(in: .newlines)
        }
        #expect(endpoint != cluster.endpoint)
        let worker = try RunningProgram(.worker, ["--connect", endpoint], in: scratch)
        #expect(server.wait().code == 0)
        try expectEnding(monitor.wait(seconds: 20), "completed", 0, phase: "finished")
        #expect(worker.wait(seconds: 20).code == 0)
    }

    @Test("a monitor learns from the run's directory how a run ended whose server could not say it")
    func recorded() throws {
        let scratch = try scratchRun(steps: 100_000_000)
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", "run", "--workers", "1"], in: scratch)
        let monitor = try RunningProgram(
            .rondo, ["monitor", try train.endpoint(from: scratch.path("run/endpoint")), "--json"], in: scratch)
        while monitor.output.isEmpty, monitor.isRunning { usleep(20_000) }
        // A server that does not react: the second Ctrl-C ends it by force.
        for process in try processes(mentioning: "rondo-server", parent: train.process) { kill(process, SIGSTOP) }
        train.signal(SIGINT)
        usleep(400_000)
        train.signal(SIGINT)
        #expect(train.wait(seconds: 20).code == 130)
        try expectEnding(monitor.wait(seconds: 20), "interrupted", 130, phase: "interrupted")
    }
}
