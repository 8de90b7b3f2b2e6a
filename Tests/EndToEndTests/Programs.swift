// Real processes, a scratch folder, and a small corpus.

import Crypto
import Foundation
import Testing

/// The programs as a user starts them.
enum Program: String {
    case rondo, server = "rondo-server", worker = "rondo-worker"

    /// Where `swift build` put them; `scripts/test` says so, and `swift test` alone finds the debug build.
    var url: URL {
        let folder =
            ProcessInfo.processInfo.environment["RONDO_BINARIES"].map { URL(fileURLWithPath: $0) }
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(".build/debug")
        return folder.appendingPathComponent(rawValue)
    }
}

/// What a program left behind.
struct Ending: CustomStringConvertible {
    var code: Int32
    var output: String
    var errors: String
    var seconds: Double
    var description: String { "exit code \(code) after \(seconds) s\n\(output)\n\(errors)" }
}

/// A running program whose output goes to files.
final class RunningProgram {
    let process = Process()
    private let outputFile: URL
    private let errorFile: URL
    private let input = Pipe()
    private let began = Date()

    init(_ program: Program, _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]) throws {
        let name = "\(program.rawValue)-\(UUID().uuidString.prefix(8))"
        outputFile = scratch.url(name + ".out")
        errorFile = scratch.url(name + ".err")
        for file in [outputFile, errorFile] { FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.executableURL = program.url
        process.arguments = arguments
        process.currentDirectoryURL = scratch.folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end; a program that does not end within the time is killed, and the test fails.
    func wait(seconds: Double = 120) -> Ending {
        let deadline = began.addingTimeInterval(seconds)
        while process.isRunning && Date() < deadline { usleep(10_000) }
        if process.isRunning {
            Issue.record("\(process.arguments ?? []) still runs after \(seconds) s")
            signal(SIGKILL)
        }
        process.waitUntilExit()
        return Ending(
            code: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: output, errors: errors, seconds: Date().timeIntervalSince(began))
    }

    var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }
}

/// A folder that goes with the test.
final class Scratch {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
    func path(_ name: String) -> String { url(name).path }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: url(name))
        return path(name)
    }

    @discardableResult
    func run(
        _ program: Program, _ arguments: String..., seconds: Double = 120, environment: [String: String] = [:]
    ) throws -> Ending {
        try RunningProgram(program, arguments, in: self, environment: environment).wait(seconds: seconds)
    }

    /// SHA-256 of the weights of a run's newest checkpoint.
    func digest(ofRun run: String) throws -> String {
        let model = url(run).appendingPathComponent("checkpoints/latest/model.safetensors")
        return SHA256.hash(data: try Data(contentsOf: model)).map { String(format: "%02x", $0) }.joined()
    }

    /// A text with some structure: sentences of a few words in a fixed pseudo-random order.
    func writeCorpus(_ name: String = "corpus.txt", sentences: Int = 400) throws {
        let words = ["the", "river", "runs", "to", "sea", "and", "wind", "turns", "round", "all", "days"]
        var state: UInt64 = 7
        var text = ""
        for _ in 0..<sentences {
            var sentence: [String] = []
            for _ in 0..<(3 + Int(state >> 60)) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sentence.append(words[Int(state >> 33) % words.count])
            }
            text += sentence.joined(separator: " ") + ".\n"
        }
        try write(text, to: name)
    }
}

/// A configuration for a model that trains in moments.
func smallConfiguration(cell: String = "lstm", data: String = "", training: String = "", model: String = "") -> String {
    """
    task: language-model
    data: {train: corpus.txt, validation: 0.1, tokenizer: characters\(data)}
    model: {cell: \(cell), layers: 2, hidden: 24, embedding: 12\(model)}
    training: {epochs: 2, batch: 12, sequence: 16, shards: 6, adam: {rate: 0.01}, clip: 1.0\(training)}
    checkpoints: {every: 10, keep: 2}
    """
}

/// A server and workers on this machine, without the supervisor.
final class SmallCluster {
    let scratch: Scratch
    let server: RunningProgram
    let endpoint: String
    private(set) var workers: [RunningProgram] = []

    init(
        _ scratch: Scratch, run: String, workers: Int = 0, resumes: Bool = false, bind: String = "tcp://127.0.0.1:*",
        environments: [[String: String]] = []
    ) throws {
        self.scratch = scratch
        let file = scratch.path("\(run).endpoint")
        try? FileManager.default.removeItem(atPath: file)
        server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", bind, "--output", run, "--workers", "\(max(1, workers))", "--endpoint-file",
                file,
            ] + (resumes ? ["--resume"] : []), in: scratch)
        let deadline = Date().addingTimeInterval(30)
        while !FileManager.default.fileExists(atPath: file), server.process.isRunning, Date() < deadline {
            usleep(10_000)
        }
        endpoint = ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").trimmingCharacters(in: .newlines)
        try #require(!endpoint.isEmpty, "the server did not start: \(server.errors)")
        for index in 0..<workers {
            try addWorker(environment: index < environments.count ? environments[index] : [:])
        }
    }

    @discardableResult
    func addWorker(environment: [String: String] = [:]) throws -> RunningProgram {
        let worker = try RunningProgram(
            .worker, ["--connect", endpoint, "--name", "worker-\(workers.count + 1)"], in: scratch,
            environment: environment)
        workers.append(worker)
        return worker
    }

    /// Waits until the run has reached a step.
    func waitForStep(_ step: Int, seconds: Double = 60) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            let status = try scratch.run(.rondo, "status", endpoint, "--json")
            if let object = try? JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any],
                let reached = object["step"] as? Int, reached >= step
            {
                return
            }
            usleep(20_000)
        }
        Issue.record("step \(step) was not reached within \(seconds) s; \(server.errors)")
    }
}
