// Real processes, a scratch folder, and a small corpus.

import Crypto
import Foundation
import Synchronization
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

/// A running program whose output goes to files. Started with `posix_spawn`: Foundation's `Process` notices an end only
/// while a run loop runs, seconds late in tests.
final class RunningProgram: Sendable {
    let process: pid_t
    let command: [String]
    private let outputFile: URL
    private let errorFile: URL
    private let began = Date()
    private let collected = Mutex<Int32?>(nil)

    convenience init(
        _ program: Program, _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]
    ) throws {
        try self.init(path: program.url.path, arguments, in: scratch, environment: environment)
    }

    /// A program that is not ours.
    init(path: String, _ arguments: [String], in scratch: Scratch, environment: [String: String] = [:]) throws {
        let name = "\(path.split(separator: "/").last ?? "")-\(UUID().uuidString.prefix(8))"
        outputFile = scratch.url(name + ".out")
        errorFile = scratch.url(name + ".err")
        command = [path] + arguments
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputFile.path, O_WRONLY | O_CREAT, 0o644)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errorFile.path, O_WRONLY | O_CREAT, 0o644)
        let shell = ["/bin/sh", "-c", #"cd "$0" && exec "$@""#, scratch.folder.path]
        var words: [UnsafeMutablePointer<CChar>?] = (shell + command).map { strdup($0) }
        var variables: [UnsafeMutablePointer<CChar>?] = ProcessInfo.processInfo.environment
            .merging(environment) { $1 }.map { strdup("\($0.key)=\($0.value)") }
        words.append(nil)
        variables.append(nil)
        defer { for word in words + variables { free(word) } }
        var process = pid_t()
        let failure = posix_spawn(&process, shell[0], &actions, nil, words, variables)
        try #require(failure == 0, "cannot start \(path): \(String(cString: strerror(failure)))")
        self.process = process
    }

    deinit { if isRunning { kill(process, SIGKILL) } }

    var isRunning: Bool {
        collected.withLock { status in
            guard status == nil else { return false }
            var value: Int32 = 0
            guard waitpid(process, &value, WNOHANG) == process else { return true }
            status = value
            return false
        }
    }

    func signal(_ number: Int32) { if isRunning { kill(process, number) } }

    /// Waits for the end; a program that does not end within the time is killed, and the test fails.
    func wait(seconds: Double = 120) -> Ending {
        let deadline = Date().addingTimeInterval(seconds)
        while isRunning && Date() < deadline { usleep(5_000) }
        if isRunning {
            Issue.record("\(command) still runs after \(seconds) s")
            signal(SIGKILL)
            while isRunning { usleep(5_000) }
        }
        let status = collected.withLock { $0 } ?? 0
        let number = status & 0x7f
        return Ending(
            code: number == 0 ? (status >> 8) & 0xff : -number, output: output, errors: errors,
            seconds: Date().timeIntervalSince(began))
    }

    /// Waits until the program has written where it listens.
    func endpoint(from file: String) throws -> String {
        let deadline = Date().addingTimeInterval(30)
        while !FileManager.default.fileExists(atPath: file), isRunning, Date() < deadline { usleep(10_000) }
        let endpoint = ((try? String(contentsOfFile: file, encoding: .utf8)) ?? "").trimmingCharacters(in: .newlines)
        try #require(!endpoint.isEmpty, "\(command) did not start: \(errors)")
        return endpoint
    }

    var output: String { (try? String(contentsOf: outputFile, encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOf: errorFile, encoding: .utf8)) ?? "" }
}

/// A folder that goes with the test.
final class Scratch: Sendable {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        Self.living.withLock { _ = $0.insert(folder) }
        Self.removesAtExit
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
        Self.living.withLock { _ = $0.remove(folder) }
    }

    /// The folders that are there. One that several tests share is let go of by none of them: it goes with the process.
    private static let living = Mutex<Set<URL>>([])
    private static let removesAtExit: Void = {
        atexit { for folder in Scratch.living.withLock({ $0 }) { try? FileManager.default.removeItem(at: folder) } }
    }()

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

    /// Runs a line of a shell, in which `$R` is the folder with the programs.
    func shell(_ line: String) throws -> Ending {
        let folder = Program.rondo.url.deletingLastPathComponent().path
        try write("#!/bin/bash\nR='\(folder)'\n\(line)\n", to: "line.sh")
        return try RunningProgram(path: "/bin/bash", ["line.sh"], in: self).wait()
    }

    /// Waits until the run of the server at an endpoint has reached a step.
    func waitForStep(_ step: Int, at endpoint: String, seconds: Double = 60) throws {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            let status = try run(.rondo, "status", endpoint, "--json")
            if let object = try? JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any],
                let reached = object["step"] as? Int, reached >= step
            {
                return
            }
            usleep(20_000)
        }
        Issue.record("step \(step) was not reached within \(seconds) s")
    }

    /// SHA-256 of the weights of a run's newest checkpoint, or of another of its files.
    func digest(ofRun run: String, _ file: String = "model.safetensors") throws -> String {
        try digest(ofFile: "\(run)/checkpoints/latest/\(file)")
    }

    /// SHA-256 of a file.
    func digest(ofFile name: String) throws -> String {
        SHA256.hash(data: try Data(contentsOf: url(name))).map { String(format: "%02x", $0) }.joined()
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

/// A server, partition servers and workers on this machine, without the supervisor.
final class SmallCluster {
    let scratch: Scratch
    let server: RunningProgram
    let endpoint: String
    let partitionServers: [PartitionProgram]
    private(set) var workers: [RunningProgram] = []

    init(
        _ scratch: Scratch, run: String, workers: Int = 0, resumes: Bool = false, bind: String = "tcp://127.0.0.1:*",
        environments: [[String: String]] = [], workerArguments: [[String]] = [],
        partitionServers: [PartitionProgram] = []
    ) throws {
        self.scratch = scratch
        self.partitionServers = partitionServers
        let file = scratch.path("\(run).endpoint")
        try? FileManager.default.removeItem(atPath: file)
        server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", bind, "--output", run, "--workers", "\(max(1, workers))", "--endpoint-file",
                file,
            ] + (resumes ? ["--resume"] : [])
                + partitionServers.flatMap { ["--partition-server", $0.endpoint] }, in: scratch)
        endpoint = try server.endpoint(from: file)
        for index in 0..<workers {
            try addWorker(
                environment: index < environments.count ? environments[index] : [:],
                arguments: index < workerArguments.count ? workerArguments[index] : [])
        }
    }

    @discardableResult
    func addWorker(environment: [String: String] = [:], arguments: [String] = []) throws -> RunningProgram {
        let worker = try RunningProgram(
            .worker, ["--connect", endpoint, "--name", "worker-\(workers.count + 1)"] + arguments, in: scratch,
            environment: environment)
        workers.append(worker)
        return worker
    }

    /// Waits until the run has reached a step.
    func waitForStep(_ step: Int, seconds: Double = 60) throws {
        try scratch.waitForStep(step, at: endpoint, seconds: seconds)
    }
}

/// The processes whose command line holds a text.
func processes(mentioning text: String, parent: Int32? = nil) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { process in
        guard process != ProcessInfo.processInfo.processIdentifier,
            let command = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8),
            command.contains(text),
            let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        else { return false }
        let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 1, fields[0] != "Z" else { return false }
        return parent == nil || Int32(fields[1]) == parent
    }
}

/// A partition server on this machine.
struct PartitionProgram {
    let program: RunningProgram
    let endpoint: String

    init(_ scratch: Scratch) throws {
        let file = scratch.path("partition-\(UUID().uuidString)")
        program = try RunningProgram(
            .server, ["--partition", "--bind", "tcp://127.0.0.1:*", "--endpoint-file", file], in: scratch)
        endpoint = try program.endpoint(from: file)
    }

    /// So many of them.
    static func start(_ count: Int, _ scratch: Scratch) throws -> [PartitionProgram] {
        try (0..<count).map { _ in try PartitionProgram(scratch) }
    }
}
