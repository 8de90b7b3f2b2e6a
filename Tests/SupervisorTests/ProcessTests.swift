// The supervisor with children that are small shell scripts, each with a fault of its own.

import Configuration
import Foundation
import Platform
import Testing

@testable import Supervisor

/// A folder with `rondo-server` and `rondo-worker` as shell scripts. `$END` holds the endpoint file, `$OUT` the run's
/// directory; each script notes its process in `$OUT/processes`.
private final class FakePrograms {
    let path = NSTemporaryDirectory() + "/rondo-programs-\(UUID().uuidString)"
    var output: String { path + "/run" }

    init(server: String, worker: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, script) in [("rondo-server", server), ("rondo-worker", worker)] {
            let text = """
                #!/bin/sh
                OUT='\(output)'
                END="$OUT/logs/server.endpoint"
                echo "\(name) $$ $*" >> "$OUT/processes"
                \(script)

                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path + "/" + name)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// `name process arguments` of every script that ran.
    var processes: [[Substring]] {
        let text = (try? String(contentsOfFile: output + "/processes", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: " ") }
    }

    func run(workers: Int = 2) throws -> SupervisedEnd {
        let request = TrainingRequest(
            configuration: RunConfiguration(data: DataConfiguration(train: "corpus.txt")), output: output,
            workers: workers, executables: path)
        return try RunSupervisor(request, plan: .start).run()
    }

    /// What is left of the scripts.
    func expectNobodyAlive() {
        for process in processes {
            #expect(kill(pid_t(process[1]) ?? 0, 0) != 0, "\(process) is alive")
        }
        #expect(!FileManager.default.fileExists(atPath: output + "/endpoint"))
    }
}

private let listening = "echo tcp://127.0.0.1:9 > \"$END\""

@Suite("supervised processes", .serialized)
struct ProcessTests {
    @Test("a server that complains before it listens: its words and its exit code are passed on")
    func serverComplains() throws {
        let programs = try FakePrograms(
            server: "echo 'rondo-server: corpus.txt: empty' >&2; exit 65", worker: "exit 0")
        do {
            _ = try programs.run()
            Issue.record("the run went on")
        } catch let failure as ProgramFailure {
            #expect(failure.status == .badData && failure.line == "corpus.txt: empty")
        }
        programs.expectNobodyAlive()
    }

    @Test("the end of the run ends the workers, those that ignore it by force")
    func completed() throws {
        let programs = try FakePrograms(
            server: "\(listening); sleep 0.5; exit 0", worker: "trap '' TERM; while true; do sleep 0.1; done")
        let began = MonotonicClock.seconds
        #expect(try programs.run() == .completed)
        #expect(MonotonicClock.seconds - began < 8)
        programs.expectNobodyAlive()
        let server = try #require(programs.processes.first { $0[0] == "rondo-server" })
        for word in ["/dev/fd/3", "--key", "/dev/fd/4", "--allow", "/dev/fd/5", "--listener", "6", "--supervised"] {
            #expect(server.contains(Substring(word)))
        }
        #expect(!server.contains("--resume"))
        #expect(Set(programs.processes.filter { $0[0] == "rondo-worker" }.map { $0[5] }) == ["worker-1", "worker-2"])
    }

    @Test("a server that stops on request ends the run as interrupted")
    func stopped() throws {
        let programs = try FakePrograms(server: "\(listening); sleep 0.3; exit 130", worker: "cat > /dev/null")
        #expect(try programs.run() == .interrupted)
        programs.expectNobodyAlive()
    }

    @Test("a worker that dies again and again is started five more times, then the run fails with the end of its log")
    func dyingWorker() throws {
        let programs = try FakePrograms(
            server: "\(listening); cat > /dev/null", worker: "echo 'my last words'; kill -9 $$")
        do {
            _ = try programs.run(workers: 1)
            Issue.record("the run went on")
        } catch let failure as ProgramFailure {
            #expect(
                failure.status == .internalError && failure.line.contains("worker-1 ended 6 times in a row"),
                "\(failure)")
            #expect(failure.details.last == "my last words")
        }
        #expect(programs.processes.count { $0[0] == "rondo-worker" } == 6)
        programs.expectNobodyAlive()
    }

    @Test("a server that dies is started anew at the same endpoint with --resume, at most five times in a row")
    func dyingServer() throws {
        let programs = try FakePrograms(
            server: "\(listening); sleep 0.2; kill -9 $$", worker: "cat > /dev/null")
        do {
            _ = try programs.run(workers: 1)
            Issue.record("the run went on")
        } catch let failure as ProgramFailure {
            #expect(failure.status == .internalError && failure.line.contains("6 times in a row"))
        }
        let servers = programs.processes.filter { $0[0] == "rondo-server" }
        #expect(servers.count == 6)
        for server in servers.dropFirst() {
            #expect(server.contains("--resume"))
            let place = server.firstIndex(of: "--bind").map { server[$0 + 1] }
            #expect(place != nil && place == servers[0].firstIndex(of: "--bind").map { servers[0][$0 + 1] })
        }
        // The worker lived through all of it.
        #expect(programs.processes.count { $0[0] == "rondo-worker" } == 1)
        programs.expectNobodyAlive()
    }

    @Test("a missing program is named")
    func missing() throws {
        let programs = try FakePrograms(server: listening, worker: "exit 0")
        try FileManager.default.removeItem(atPath: programs.path + "/rondo-server")
        #expect(throws: ProgramFailure.self) { try programs.run() }
    }
}
