// A run of `rondo train` is its user's alone: other users of the machine get nothing, and the user's own commands find
// it by themselves.

import Client
import Foundation
import Messaging
import Testing

/// `rondo train` that goes on until it is ended, with a list of living runs of its own.
private final class PrivateRun {
    let scratch: Scratch
    let program: RunningProgram
    let endpoint: String
    /// The list of living runs lies there.
    var environment: [String: String] { ["XDG_RUNTIME_DIR": scratch.path("runtime")] }

    init(_ arguments: String..., steps: Int = 1_000_000) throws {
        scratch = try Scratch()
        try scratch.writeCorpus()
        try FileManager.default.createDirectory(atPath: scratch.path("runtime"), withIntermediateDirectories: true)
        let configuration = smallConfiguration(training: ", steps: \(steps)")
            .replacing("epochs: 2", with: "epochs: 1000000").replacing("every: 10", with: "every: 100000000")
        try scratch.write(configuration, to: "config.yaml")
        program = try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", "run"] + arguments, in: scratch,
            environment: ["XDG_RUNTIME_DIR": scratch.path("runtime")])
        // Written last of all that clients need.
        let access = scratch.path("run/access")
        let deadline = Date().addingTimeInterval(30)
        while !FileManager.default.fileExists(atPath: access), program.isRunning, Date() < deadline { usleep(10_000) }
        endpoint = try program.endpoint(from: scratch.path("run/endpoint"))
    }

    func rondo(_ arguments: String...) throws -> Ending {
        try RunningProgram(.rondo, arguments, in: scratch, environment: environment).wait(seconds: 30)
    }

    /// What clients of the run's owner are given.
    func access() throws -> RunAccess { try #require(try RunAccess.read(inDirectory: scratch.path("run"))) }

    func waitForStep(_ step: Int) throws {
        let deadline = Date().addingTimeInterval(60)
        while Date() < deadline {
            let object = try JSONSerialization.jsonObject(with: Data(rondo("status", "--json").output.utf8))
            if let reached = (object as? [String: Any])?["step"] as? Int, reached >= step { return }
            usleep(20_000)
        }
        Issue.record("step \(step) was not reached; \(program.errors)")
    }

    /// Ends the run, which must have gone on until now.
    func end() {
        #expect(program.isRunning, "\(program.errors)")
        program.signal(SIGTERM)
        #expect(program.wait().code == 130)
    }
}

/// A program as another user of the machine starts it, who has no rights of ours. Only root can be somebody else.
private func asNobody(_ program: Program, _ arguments: [String], in scratch: Scratch) throws -> Ending {
    // The programs may lie where nobody else can reach them.
    let copy = scratch.path("nobody-\(program.rawValue)")
    if !FileManager.default.fileExists(atPath: copy) {
        // Copied by another process: a child that another test starts meanwhile would inherit the file as open for
        // writing, and a program that is being written cannot be started.
        let copying = try RunningProgram(path: "/bin/cp", [program.url.path, copy], in: scratch).wait(seconds: 30)
        try #require(copying.code == 0, "\(copying)")
    }
    let words = ["--reuid=65534", "--regid=65534", "--clear-groups", copy] + arguments
    let process = try RunningProgram(path: "/usr/bin/setpriv", words, in: scratch)
    return process.wait(seconds: 30)
}

private let canBeNobody = geteuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0

@Suite("a private run", .serialized)
struct PrivateRunTests {
    /// Files and folders below a path that others than the owner can do something with.
    private func open(below path: String) throws -> [String] {
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return try (names.map { path + "/" + $0 } + [path]).filter { path in
            var status = stat()
            try #require(lstat(path, &status) == 0)
            return status.st_mode & S_IFMT != S_IFLNK && status.st_mode & 0o077 != 0
        }
    }

    @Test("everything that a run writes, and a snapshot that is pulled, is closed to others; with --shared it is not")
    func files() throws {
        let run = try PrivateRun("--partitions", "2")
        try run.waitForStep(2)
        #expect(try open(below: run.scratch.path("run")).isEmpty)
        #expect(try run.rondo("pull", "run", "--output", "pulled").code == 0)
        #expect(try open(below: run.scratch.path("pulled")).isEmpty)
        run.end()
        #expect(try open(below: run.scratch.path("run")).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: run.scratch.path("run/access")))
        let shared = try PrivateRun("--shared")
        try shared.waitForStep(1)
        let opened = try open(below: shared.scratch.path("run"))
        #expect(opened.contains(shared.scratch.path("run")) && opened.contains(shared.scratch.path("run/ledger.jsonl")))
        #expect(!opened.contains(shared.scratch.path("run/access")))
        shared.end()
    }

    @Test("a directory that was open before is closed when a run goes on in it")
    func closed() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try FileManager.default.createDirectory(atPath: scratch.path("run"), withIntermediateDirectories: true)
        chmod(scratch.path("run"), 0o755)
        #expect(try scratch.run(.rondo, "train", "config.yaml", "--output", "run").code == 0)
        #expect(try open(below: scratch.path("run")).isEmpty)
    }

    @Test("the user's own commands find the run by its endpoint, by its directory, and by nothing")
    func discovery() throws {
        let run = try PrivateRun()
        let ways = [[run.endpoint], ["run"], [run.scratch.path("run")], []]
        for way in ways {
            let status = try RunningProgram(
                .rondo, ["status"] + way, in: run.scratch, environment: run.environment
            ).wait(seconds: 30)
            #expect(status.code == 0 && status.output.contains("lstm"), "\(way): \(status)")
        }
        let sample = try run.rondo("sample", "--server", "run", "--length", "5", "--seed", "1")
        #expect(sample.code == 0 && !sample.output.isEmpty, "\(sample)")
        // A second run: now one must be named, and both are.
        let second = try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", "second"], in: run.scratch, environment: run.environment)
        _ = try second.endpoint(from: run.scratch.path("second/access"))
        let either = try run.rondo("status")
        #expect(either.code == 64 && either.errors.contains("run (") && either.errors.contains("second ("), "\(either)")
        // One that is killed is no living run; its place in the list is cleared by who looks.
        second.signal(SIGKILL)
        _ = second.wait()
        let one = try run.rondo("status")
        #expect(one.code == 0, "\(one)")
        let list = run.scratch.path("runtime/rondo")
        #expect(try FileManager.default.contentsOfDirectory(atPath: list).count == 1)
        #expect(try open(below: list).isEmpty)
        run.end()
        #expect(try FileManager.default.contentsOfDirectory(atPath: list).isEmpty)
        let none = try run.rondo("status")
        #expect(none.code == 69 && none.errors.contains("no run"), "\(none)")
    }

    @Test(
        "another user of the machine gets neither status nor weights, and cannot join",
        .enabled(if: canBeNobody, "SKIPPED: only root, with setpriv, can try as another user"))
    func anotherUser() throws {
        let run = try PrivateRun()
        let before = try run.rondo("status", "--json")
        #expect(before.code == 0)
        let attempts: [(Program, [String])] = [
            (.rondo, ["status", run.endpoint]), (.rondo, ["status", run.scratch.path("run")]), (.rondo, ["status"]),
            (.rondo, ["pull", run.endpoint, "--output", "/tmp/rondo-never"]),
            (.rondo, ["sample", "--server", run.endpoint]),
            (.rondo, ["sample", "--checkpoint", run.scratch.path("run")]),
            (.worker, ["--connect", run.endpoint]),
        ]
        for (program, arguments) in attempts {
            let ending = try asNobody(program, arguments, in: run.scratch)
            #expect([65, 69].contains(ending.code) && ending.output.isEmpty, "\(program) \(arguments): \(ending)")
            #expect(!ending.errors.contains("lstm"))
        }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/rondo-never"))
        run.end()
    }

    @Test("whoever speaks no encryption is told nothing: no greeting, no answer, no end of the run")
    func plainPeer() throws {
        let run = try PrivateRun()
        for _ in 0..<3 {
            let peer = try RawPeer(run.endpoint)
            #expect(!peer.greet(), "the server greets a stranger")
            peer.send(RawPeer.frame([UInt8](repeating: 7, count: 100)))
        }
        try run.waitForStep(2)
        run.end()
    }

    @Test("the key for looking lets its holder neither stop the run, nor report deaths, nor join, nor lead a partition")
    func clientKey() throws {
        let run = try PrivateRun("--partitions", "2")
        try run.waitForStep(2)
        let access = try run.access()
        let client = try ServerClient(access.endpoint, keys: access.keys)
        let status = try client.status()
        #expect(status.workers.count > 0)
        let stopping = #expect(throws: ClientError.self) { try client.stop() }
        let reporting = #expect(throws: ClientError.self) {
            try client.reportDeath(ofWorker: "worker-1", process: status.workers[0].process)
        }
        for error in [stopping, reporting] { #expect("\(String(describing: error))".contains("does not allow")) }
        // The same at the partition server, which would take orders from a primary.
        let place = try String(contentsOfFile: run.scratch.path("run/logs/partition-1.endpoint"), encoding: .utf8)
        let partition = try ServerClient(Endpoint(place.trimmingCharacters(in: .newlines)), keys: access.keys)
        #expect(throws: ClientError.self) { try partition.stop() }
        #expect(throws: ClientError.self) { try partition.status() }
        guard case .client(let serverKey, let pair)? = access.keys else {
            Issue.record("no keys")
            return
        }
        try run.scratch.write(serverKey.text + "\n", to: "server.pub")
        try run.scratch.write(pair.secretKey.text + "\n", to: "client.key")
        chmod(run.scratch.path("client.key"), 0o600)
        let worker = try RunningProgram(
            .worker, ["--connect", run.endpoint, "--key", "client.key", "--server-key", "server.pub"], in: run.scratch
        ).wait(seconds: 30)
        #expect(worker.code == 69 && worker.errors.contains("does not allow"), "\(worker)")
        let after = try JSONSerialization.jsonObject(with: Data(run.rondo("status", "--json").output.utf8))
        let counters = (after as? [String: Any])?["counters"] as? [String: Int]
        #expect(counters?["workers-lost"] == 0 && counters?["forbidden", default: 0] ?? 0 >= 3, "\(counters ?? [:])")
        run.end()
    }

    @Test("no secret stands in a process's arguments or environment")
    func secrets() throws {
        let run = try PrivateRun("--partitions", "2")
        try run.waitForStep(1)
        let children = try processes(mentioning: "rondo", parent: run.program.process)
        #expect(children.count == 4)
        var secrets: [String] = []
        for child in children {
            for descriptor in 3...5 {
                guard let text = try? String(contentsOfFile: "/proc/\(child)/fd/\(descriptor)", encoding: .utf8) else {
                    continue
                }
                secrets += text.split(whereSeparator: \.isWhitespace).map(String.init).filter { $0.utf8.count == 40 }
            }
        }
        // Of server and partition server a secret and three public keys, of each worker a secret and a public one.
        #expect(Set(secrets).count == 6, "\(secrets.count) keys are handed over")
        for process in children + [run.program.process] {
            for place in ["cmdline", "environ"] {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/\(place)"))
                let text = String(decoding: bytes, as: UTF8.self)
                for secret in secrets { #expect(!text.contains(secret)) }
            }
        }
        let logs = try FileManager.default.contentsOfDirectory(atPath: run.scratch.path("run/logs"))
        for log in logs {
            let text = try String(contentsOfFile: run.scratch.path("run/logs/" + log), encoding: .utf8)
            for secret in secrets { #expect(!text.contains(secret), "\(log)") }
        }
        run.end()
    }

    @Test("nobody can take the port between the server's death and its next life, and clients go on with their key")
    func port() throws {
        let run = try PrivateRun()
        try run.waitForStep(1)
        let access = try run.access()
        let port = try #require(access.endpoint.port)
        var taken = 0
        for _ in 0..<3 {
            let server = try #require(try processes(mentioning: "rondo-server", parent: run.program.process).first)
            kill(server, SIGKILL)
            let deadline = Date().addingTimeInterval(1)
            while Date() < deadline {
                if canBind(port) { taken += 1 }
            }
            let status = try run.rondo("status", run.endpoint)
            #expect(status.code == 0, "\(status)")
        }
        #expect(taken == 0)
        #expect(try run.access() == access)
        run.end()
    }

    /// Whether somebody else gets the port, however hard they try.
    private func canBind(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var yes: Int32 = 1
        for option in [SO_REUSEADDR, SO_REUSEPORT] {
            setsockopt(descriptor, SOL_SOCKET, option, &yes, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    @Test("a configuration that can be read only once trains as its file does")
    func configurationFromStream() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        #expect(try scratch.run(.rondo, "train", "config.yaml", "--output", "file").code == 0)
        let script = "cat config.yaml | '\(Program.rondo.url.path)' train /dev/stdin --output stream"
        let ending = try RunningProgram(path: "/bin/sh", ["-c", script], in: scratch).wait()
        #expect(ending.code == 0, "\(ending)")
        #expect(try scratch.digest(ofRun: "stream") == scratch.digest(ofRun: "file"))
    }
}
