// Encrypted connections: who has a listed key comes in, nobody else gets anything.

import Foundation
import Testing

@Suite("keys", .serialized)
struct KeyTests {
    /// Makes key pairs, and a list of those that may come in.
    private func keys(_ scratch: Scratch, allowing names: [String], others: [String] = []) throws {
        for name in names + others + ["server"] {
            let ending = try scratch.run(.rondo, "keygen", name)
            #expect(ending.code == 0, "\(ending)")
        }
        let lines = try names.map { try String(contentsOf: scratch.url("\($0).pub"), encoding: .utf8) }
        try scratch.write("# who may come in\n\n" + lines.joined(), to: "allowed")
    }

    @Test("a secret key is its owner's alone, and is never overwritten")
    func files() throws {
        let scratch = try Scratch()
        #expect(try scratch.run(.rondo, "keygen", "mine").code == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: scratch.path("mine.key"))[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
        let before = try String(contentsOf: scratch.url("mine.key"), encoding: .utf8)
        let again = try scratch.run(.rondo, "keygen", "mine")
        #expect(again.code == 64, "\(again)")
        #expect(try String(contentsOf: scratch.url("mine.key"), encoding: .utf8) == before)
    }

    @Test("workers and clients with listed keys do what they do without, on all servers, with the same bits")
    func listed() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let plain = try SmallCluster(scratch, run: "plain", workers: 1)
        #expect(plain.server.wait().code == 0)
        try keys(scratch, allowing: ["alice", "bob"])
        let server = ["--key", "server.key", "--allow", "allowed"]
        let client = ["--server-key", "server.pub", "--key"]
        let partition = try RunningProgram(
            .server, ["--partition", "--bind", "tcp://127.0.0.1:*", "--endpoint-file", "partition"] + server,
            in: scratch)
        let place = try partition.endpoint(from: scratch.path("partition"))
        let primary = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "secret", "--workers", "2", "--endpoint-file",
                "endpoint", "--partition-server", place,
            ] + server, in: scratch)
        let endpoint = try primary.endpoint(from: scratch.path("endpoint"))
        let first = try RunningProgram(.worker, ["--connect", endpoint] + client + ["alice.key"], in: scratch)
        let status = try RunningProgram(.rondo, ["status", endpoint] + client + ["bob.key"], in: scratch).wait()
        #expect(status.code == 0 && status.output.contains("lstm"), "\(status)")
        let second = try RunningProgram(
            .worker, ["--connect", endpoint, "--no-shared-memory"] + client + ["bob.key"], in: scratch)
        for program in [primary, first, second, partition] {
            let ending = program.wait()
            #expect(ending.code == 0, "\(ending)")
        }
        #expect(try scratch.digest(ofRun: "secret") == scratch.digest(ofRun: "plain"))
    }

    @Test("without a key, with one that is not listed, or with another server's, nothing is had but a clear error")
    func strangers() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try keys(scratch, allowing: ["alice"], others: ["mallory"])
        let server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run", "--endpoint-file", "endpoint", "--key",
                "server.key", "--allow", "allowed",
            ], in: scratch)
        let endpoint = try server.endpoint(from: scratch.path("endpoint"))
        let strangers: [(arguments: [String], complaint: String)] = [
            ([], "encryption"),
            (["--key", "mallory.key", "--server-key", "server.pub"], "not on the server's list"),
            (["--key", "alice.key", "--server-key", "mallory.pub"], "another key"),
        ]
        for (arguments, complaint) in strangers {
            for ending in [
                try RunningProgram(.worker, ["--connect", endpoint] + arguments, in: scratch).wait(seconds: 20),
                try RunningProgram(.rondo, ["status", endpoint] + arguments, in: scratch).wait(seconds: 20),
            ] {
                #expect(ending.code == 69, "\(ending)")
                #expect(ending.seconds < 5 && ending.errors.contains(complaint) && ending.output.isEmpty, "\(ending)")
            }
        }
        let worker = try RunningProgram(
            .worker, ["--connect", endpoint, "--key", "alice.key", "--server-key", "server.pub"], in: scratch)
        #expect(server.wait().code == 0)
        #expect(worker.wait().code == 0)
    }

    @Test("files that hold no keys are named, with the line")
    func malformed() throws {
        let scratch = try Scratch()
        try scratch.write("# nobody yet\n\nabc\n", to: "allowed")
        try scratch.write(smallConfiguration(), to: "config.yaml")
        #expect(try scratch.run(.rondo, "keygen", "server").code == 0)
        let list = try scratch.run(.server, "config.yaml", "--key", "server.key", "--allow", "allowed")
        #expect(list.code == 64 && list.errors.contains("allowed:3"), "\(list)")
        let half = try scratch.run(.server, "config.yaml", "--key", "server.key")
        #expect(half.code == 64 && half.errors.contains("--allow"), "\(half)")
        let missing = try scratch.run(
            .rondo, "status", "tcp://127.0.0.1:1", "--key", "none.key", "--server-key", "server.pub")
        #expect(missing.code == 64 && missing.errors.contains("none.key"), "\(missing)")
    }
}
