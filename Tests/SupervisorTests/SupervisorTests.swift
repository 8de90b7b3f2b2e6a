// The supervisor's decisions, as far as they can be had without processes.

import Configuration
import Foundation
import Logging
import Testing

@testable import Client
@testable import Supervisor

private final class TestFolder {
    let path = NSTemporaryDirectory() + "/rondo-supervisor-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ bytes: [UInt8], to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }
}

@Suite("restarts")
struct RestartTests {
    @Test("five restarts in a row, the first at once, then with longer and longer pauses")
    func limit() {
        var counter = RestartCounter()
        #expect((0..<6).map { _ in counter.noteDeath() } == [0, 0.25, 0.5, 1, 2, nil])
    }

    @Test("progress in between starts the count anew")
    func progress() {
        var counter = RestartCounter()
        for _ in 0..<100 {
            for _ in 0..<5 { #expect(counter.noteDeath() != nil) }
            counter.noteProgress()
        }
        #expect(counter.deaths == 0)
    }
}

@Suite("plan of a run")
struct RunPlanTests {
    private let configuration = RunConfiguration(data: DataConfiguration(train: "corpus.txt"))

    private func folder(completed: Bool, checkpoint: Bool) throws -> TestFolder {
        let folder = try TestFolder()
        try folder.write(Array("{\"run\":\"r\",\"incarnation\":1,\"completed\":\(completed)}".utf8), to: "run.json")
        try folder.write(configuration.json(), to: "configuration.json")
        try FileManager.default.createDirectory(
            atPath: folder.path + "/checkpoints" + (checkpoint ? "/step-00000012" : ""),
            withIntermediateDirectories: true)
        if checkpoint {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/checkpoints/latest", withDestinationPath: "step-00000012")
        }
        return folder
    }

    @Test("an empty or missing directory: start")
    func start() throws {
        let folder = try TestFolder()
        #expect(try RunPlan.decide(output: folder.path, configuration: configuration) == .start)
        #expect(try RunPlan.decide(output: folder.path + "/none", configuration: configuration) == .start)
    }

    @Test("an unfinished run of the same configuration: resume; a finished one that is not whole: mend")
    func resume() throws {
        for checkpoint in [false, true] {
            let unfinished = try folder(completed: false, checkpoint: checkpoint)
            #expect(try RunPlan.decide(output: unfinished.path, configuration: configuration) == .resume)
        }
        let finished = try folder(completed: true, checkpoint: true)
        let plan = try RunPlan.decide(output: finished.path, configuration: configuration)
        guard case .mend(let damage) = plan else {
            Issue.record("\(plan)")
            return
        }
        #expect(damage.contains { $0.contains("step-00000012") && $0.contains("manifest.json: missing") })
        #expect(plan.resumes)
        #expect(RunPlan.checkpointStep(finished.path) == 12)
    }

    @Test("a run of another configuration is refused with the keys that differ, unless it never came to a checkpoint")
    func otherConfiguration() throws {
        var other = configuration
        other.model.hidden = 17
        for completed in [false, true] {
            let folder = try folder(completed: completed, checkpoint: true)
            do {
                _ = try RunPlan.decide(output: folder.path, configuration: other)
                Issue.record("another configuration was taken")
            } catch {
                #expect(error.status == .usage)
                #expect(error.line.contains("model.hidden is 17 here and 256 there"))
            }
        }
        let nothingThere = try folder(completed: false, checkpoint: false)
        #expect(try RunPlan.decide(output: nothingThere.path, configuration: other) == .replace)
        try RunPlan.clear(nothingThere.path)
        #expect(try RunPlan.decide(output: nothingThere.path, configuration: other) == .start)
    }

    @Test("keys that alter no step are taken by complete and unfinished runs; a rate only with consent")
    func changedKeys() throws {
        var harmless = configuration
        harmless.training.epochs = 3
        harmless.training.steps = 99
        harmless.training.validate = .steps(5)
        harmless.checkpoints = CheckpointConfiguration(every: 7, keep: 9)
        harmless.data.train = "./corpus.txt"
        var recorded = harmless
        recorded.training.adam.rate = 0.25
        recorded.training.clip = 1
        for completed in [false, true] {
            let folder = try folder(completed: completed, checkpoint: true)
            #expect(try RunPlan.decide(output: folder.path, configuration: harmless) == .resume)
            #expect(
                try RunPlan.decide(output: folder.path, configuration: recorded, acceptsChanges: true) == .resume)
            do {
                _ = try RunPlan.decide(output: folder.path, configuration: recorded)
                Issue.record("another rate was taken without consent")
            } catch {
                #expect(error.status == .usage && error.line.contains("--accept-changes"))
                #expect(error.line.contains("training.adam.rate is 0.25 here and 0.001 there"))
                #expect(!error.line.contains("training.epochs is"))
            }
        }
    }

    @Test("a file in the directory's place is an error")
    func file() throws {
        let folder = try TestFolder()
        try folder.write([], to: "file")
        #expect(throws: ProgramFailure.self) {
            try RunPlan.decide(output: folder.path + "/file", configuration: configuration)
        }
    }

    @Test("the directory is named after the configuration")
    func defaultOutput() {
        #expect(TrainingRequest.defaultOutput(configurationPath: "a/b/kjv.small.yaml") == "runs/kjv.small")
        #expect(TrainingRequest.defaultOutput(configurationPath: "plain") == "runs/plain")
        #expect(TrainingRequest.defaultOutput(configurationPath: ".hidden") == "runs/.hidden")
    }
}

@Suite("logs of children")
struct ChildLogTests {
    @Test("the complaint and the last lines are those of this life")
    func thisLife() throws {
        let folder = try TestFolder()
        let path = folder.path + "/server.log"
        try folder.write(Array("rondo-server: of an earlier life\n".utf8), to: "server.log")
        let log = ChildLog(path: path)
        #expect(log.complaint() == nil && log.lastLines(5).isEmpty)
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("2026 notice  listening\nrondo-server: no such corpus\nlast\n".utf8))
        #expect(log.complaint() == "no such corpus")
        #expect(log.lastLines(2) == ["rondo-server: no such corpus", "last"])
        try handle.write(contentsOf: Data(String(repeating: "x", count: 100_000).utf8))
        #expect(log.lastLines(1)[0].count < 20_000)
        #expect(ChildLog(path: folder.path + "/none").lastLines(3).isEmpty)
    }
}

@Suite("what people read")
struct DisplayTests {
    private func status(_ step: Int, workers: Int = 2) -> RunStatus {
        RunStatus(
            phase: "training", step: step, totalSteps: 2000, epoch: 2, totalEpochs: 6, smoothedLoss: 1.62301,
            validationLoss: 1.702, bestStep: 0, tokensPerSecond: 85_312, secondsLeft: 192, parameters: 1,
            residentBytes: 1, uptimeSeconds: 1, outputDirectory: "", latestCheckpoint: "", problem: "", summary: "",
            workers: (0..<workers).map {
                WorkerStatus(
                    name: "w\($0)", host: "", process: 1, state: "", tokensPerSecond: 0, silentSeconds: 0,
                    residentBytes: 0, instructionSet: "", steps: 0, seconds: [:])
            }, counters: [:], seconds: [:])
    }

    @Test("progress fits into the terminal's columns")
    func bar() {
        let whole = ProgressLine.bar(status(500), columns: 200)
        #expect(
            whole
                == "500/2000 ━━━━━─────────────── 25%  epoch 2/6  loss 1.6230  validation 1.7020  85.3k tokens/s  "
                + "3:12 left  2 workers")
        for columns in 0..<whole.count {
            let line = ProgressLine.bar(status(500), columns: columns)
            #expect(line.count <= columns && whole.hasPrefix(line))
        }
        #expect(
            ProgressLine.plain(status(500, workers: 1))
                == "step 500 of 2000 (25%), epoch 2/6, loss 1.6230, validation 1.7020, 85.3k tokens/s, "
                + "3:12 left, 1 worker"
        )
    }

    @Test("numbers are rounded as people expect")
    func numbers() {
        #expect(Readable.fixed(1.99995, 4) == "2.0000" && Readable.fixed(-0.00001, 3) == "0.000")
        #expect(Readable.fixed(-123.4567, 3) == "-123.457" && Readable.fixed(.nan, 2) == "nan")
        #expect(Readable.fixed(1e300, 4) == "1e+300" && Readable.fixed(-.infinity, 4) == "-inf")
        #expect(Readable.count(1e30) == "1e+24M" && Readable.duration(.nan) == "–" && Readable.loss(nil) == "–")
        #expect(Readable.count(999) == "999" && Readable.count(99_949) == "99.9k" && Readable.count(999_499) == "999k")
        #expect(Readable.count(1_240_000) == "1.24M" && Readable.grouped(1_234_567) == "1,234,567")
        #expect(Readable.grouped(-1000) == "-1,000" && Readable.grouped(12) == "12")
        #expect(Readable.duration(59.6) == "1 min 0 s" && Readable.duration(7384) == "2 h 3 min")
        #expect(Readable.clock(65) == "1:05" && Readable.clock(7389) == "2:03:09" && Readable.clock(.infinity) == "–")
    }

    @Test("a failure is one line, whatever it was put together from")
    func oneLine() {
        let failure = ProgramFailure(.badData, "x: the checkpoint is damaged:\n  a: missing\n  b: missing\n")
        #expect(failure.line == "x: the checkpoint is damaged: a: missing; b: missing")
    }

    @Test("a log line shows time, level, message and what belongs to it, in order")
    func logLine() {
        let line = LineLogHandler.line(
            time: "12:00", level: .notice, message: "worker\nlost", metadata: ["worker": "w 1", "reason": "left"])
        #expect(line == "12:00 notice  worker lost  reason=left worker=\"w 1\"")
    }

    @Test("speed is counted over all steps that were seen, whatever the server's figure")
    func observed() {
        var progress = ObservedProgress()
        #expect(progress.tokensPerSecond == nil)
        for second in 0...10 { progress.note(status(100 * second), now: Double(second), tokensPerStep: 50) }
        #expect(progress.tokensPerSecond == 5000)
    }
}
