// Whatever is wrong with the input: one line that says what to do, the right exit code, no hang.

import Foundation
import Testing

@Suite("bad input", .serialized)
struct BadInputTests {
    private func expectError(
        _ ending: Ending, code: Int32, mentioning words: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(ending.code == code, "\(ending)", sourceLocation: sourceLocation)
        for word in words {
            #expect(ending.errors.contains(word), "no '\(word)' in: \(ending)", sourceLocation: sourceLocation)
        }
        let lines = ending.errors.split(separator: "\n").filter {
            $0.contains("rondo") && $0.contains("error") || $0.hasPrefix("rondo")
        }
        #expect(lines.count <= 1, "more than one line: \(ending)", sourceLocation: sourceLocation)
        #expect(ending.seconds < 30, sourceLocation: sourceLocation)
    }

    private func train(_ scratch: Scratch, _ configuration: String, _ arguments: String...) throws -> Ending {
        try scratch.write(configuration, to: "config.yaml")
        return try RunningProgram(.rondo, ["train", "config.yaml", "--output", "run"] + arguments, in: scratch).wait()
    }

    @Test("a corpus that is empty, too short, missing, or not UTF-8")
    func corpora() throws {
        let scratch = try Scratch()
        let configuration = smallConfiguration()
        expectError(try train(scratch, configuration), code: 65, mentioning: "corpus.txt")
        try scratch.write("", to: "corpus.txt")
        expectError(try train(scratch, configuration), code: 65, mentioning: "corpus.txt", "no text")
        try scratch.write("too short", to: "corpus.txt")
        expectError(try train(scratch, configuration), code: 65, mentioning: "corpus.txt")
        try Data([0x61, 0x62, 0xFF, 0xFE]).write(to: scratch.url("corpus.txt"))
        expectError(try train(scratch, configuration), code: 65, mentioning: "UTF-8", "2")
    }

    @Test("a configuration with an unknown key, a wrong type, or that is missing, names file, line and key")
    func configurations() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        let unknown = smallConfiguration().replacingOccurrences(of: "hidden:", with: "hiden:")
        expectError(try train(scratch, unknown), code: 64, mentioning: "config.yaml:3", "hiden", "hidden")
        let wrongType = smallConfiguration().replacingOccurrences(of: "layers: 2", with: "layers: two")
        expectError(try train(scratch, wrongType), code: 64, mentioning: "config.yaml:3", "layers", "two")
        expectError(
            try scratch.run(.rondo, "train", "nothing.yaml", "--output", "run"), code: 64, mentioning: "nothing.yaml")
        expectError(
            try train(scratch, smallConfiguration(), "--set", "training.shards=100"), code: 64, mentioning: "shards")
    }

    @Test("a port that is taken, and an endpoint where nobody listens")
    func endpoints() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let cluster = try SmallCluster(scratch, run: "run")
        expectError(
            try scratch.run(.server, "config.yaml", "--bind", cluster.endpoint, "--output", "other"), code: 69,
            mentioning: "in use")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("other/run.json")))
        cluster.server.signal(SIGTERM)
        _ = cluster.server.wait()
        for arguments in [["status"], ["pull", "--output", "pulled"], ["sample", "--server"]] {
            let all =
                [arguments[0]] + arguments.dropFirst().prefix { $0 == "--server" } + [cluster.endpoint]
                + arguments.dropFirst().drop { $0 == "--server" }
            let ending = try RunningProgram(.rondo, all, in: scratch).wait(seconds: 30)
            expectError(ending, code: 69, mentioning: cluster.endpoint)
        }
        let worker = try scratch.run(.worker, "--connect", cluster.endpoint, "--name", "w", "--patience", "2")
        expectError(worker, code: 69, mentioning: cluster.endpoint)
    }

    @Test("a server does not listen beyond this machine unless told so")
    func insecure() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let ending = try scratch.run(.server, "config.yaml", "--bind", "tcp://0.0.0.0:*", "--output", "run")
        expectError(ending, code: 64, mentioning: "--insecure")
    }

    @Test("a prompt with unknown symbols, and an impossible temperature")
    func sampling() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        #expect(try train(scratch, smallConfiguration(training: ", steps: 2")).code == 0)
        expectError(
            try scratch.run(.rondo, "sample", "--checkpoint", "run", "--prompt", "the ü"), code: 65, mentioning: "ü")
        for temperature in ["0", "-1"] {
            expectError(
                try scratch.run(.rondo, "sample", "--checkpoint", "run", "--temperature=\(temperature)"), code: 64,
                mentioning: "temperature", "greedy")
        }
        expectError(
            try scratch.run(.rondo, "sample", "--checkpoint", "nowhere"), code: 65, mentioning: "nowhere")
    }

    @Test("a run that is there already is not overwritten without being told to resume")
    func noOverwriting() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        #expect(try train(scratch, smallConfiguration(training: ", steps: 2")).code == 0)
        expectError(
            try scratch.run(.server, "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run"), code: 64,
            mentioning: "--resume")
    }
}
