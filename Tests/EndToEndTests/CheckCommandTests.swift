// What users ask before anything trains: rondo check, init, config, and the refusals of rondo train.

import Foundation
import Testing

@Suite("before a start", .serialized)
struct CheckCommandTests {
    /// The files and folders of a scratch folder, without what the tests' own programs write.
    private func entries(_ scratch: Scratch) throws -> Set<String> {
        Set(
            try FileManager.default.contentsOfDirectory(atPath: scratch.folder.path).filter {
                !$0.hasSuffix(".out") && !$0.hasSuffix(".err")
            })
    }

    private func prepared(_ configuration: String = smallConfiguration()) throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(configuration, to: "config.yaml")
        return scratch
    }

    @Test("check tells what a run takes, ends with 0, and writes nothing")
    func check() throws {
        let scratch = try prepared()
        let before = try entries(scratch)
        let ending = try scratch.run(.rondo, "check", "config.yaml", "--workers", "1", "--output", "run")
        #expect(ending.code == 0 && ending.errors.isEmpty, "\(ending)")
        for words in ["parameters in", "in the server", "in the worker", "symbols", "an epoch of", "kept", "estimate"] {
            #expect(ending.output.contains(words), "no '\(words)' in \(ending)")
        }
        #expect(try entries(scratch) == before)
        let json = try scratch.run(.rondo, "check", "config.yaml", "--json", "--output", "run")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let trained = try scratch.run(.rondo, "train", "config.yaml", "--workers", "1", "--output", "run")
        #expect(trained.code == 0)
        let status = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: scratch.url("run/checkpoints/latest/run.json"))) as? [String: Any])
        let steps = try #require(object["steps"] as? [String: Any])
        #expect(steps["total"] as? Int == status["totalSteps"] as? Int)
        #expect(steps["ofEpoch"] as? Int == status["stepsPerEpoch"] as? Int)
        #expect((object["text"] as? [String: Any])?["vocabulary"] as? Int == status["vocabulary"] as? Int)
    }

    @Test("check names all problems, one line each, with the exit code of train")
    func problems() throws {
        let scratch = try prepared()
        let arguments = [
            "config.yaml", "--partitions", "200", "--set", "data.train=none.txt", "--set", "data.validation=neither",
        ]
        let check = try RunningProgram(.rondo, ["check"] + arguments, in: scratch).wait()
        let train = try RunningProgram(.rondo, ["train"] + arguments, in: scratch).wait()
        for ending in [check, train] {
            #expect(ending.code == 64, "\(ending)")
            let lines = ending.errors.split(separator: "\n")
            #expect(lines.count == 3 && lines.allSatisfy { $0.hasPrefix("rondo: ") }, "\(ending)")
            for words in ["none.txt", "neither", "--partitions 200"] { #expect(ending.errors.contains(words)) }
        }
    }

    @Test("a refused start leaves nothing behind")
    func nothingLeft() throws {
        let scratch = try prepared()
        let before = try entries(scratch)
        for (arguments, code, words) in [
            (["--partitions", "200"], 64, "use at most"), (["--set", "data.train=none"], 65, "none"),
            (["--set", "training.batch=4000"], 65, "too"), (["--set", "model.hidden=65536"], 64, "model.hidden"),
            (["--set", "data.validation=none"], 65, "none"),
        ] as [([String], Int32, String)] {
            let ending = try RunningProgram(.rondo, ["train", "config.yaml"] + arguments, in: scratch).wait()
            #expect(ending.code == code, "\(arguments): \(ending)")
            #expect(ending.errors.contains(words) || words == "too", "\(arguments): \(ending)")
            #expect(try entries(scratch) == before, "\(arguments)")
        }
    }

    @Test("nor does one that the server refuses, when it has read the whole text")
    func refusedLater() throws {
        let scratch = try prepared()
        let line = Array("the old house of the king\n".utf8)
        try Data((0..<100_000).flatMap { _ in line } + [0xFF]).write(to: scratch.url("corpus.txt"))
        let before = try entries(scratch)
        let ending = try scratch.run(.rondo, "train", "config.yaml", "--output", "new/run")
        #expect(ending.code == 65 && ending.errors.contains("UTF-8"), "\(ending)")
        #expect(try entries(scratch) == before)
    }

    @Test("memory that a limit does not allow is refused within a second, with parameters, both sizes and keys")
    func memory() throws {
        let scratch = try prepared()
        let command =
            "cd '\(scratch.folder.path)' && ulimit -v 3000000 && '\(Program.rondo.url.path)' train config.yaml "
            + "--set model.hidden=4096 --set model.layers=4 --output run 2>&1; echo code $?"
        let pipe = try #require(popen(command, "r"))
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let began = Date()
        let count = fread(&buffer, 1, buffer.count, pipe)
        pclose(pipe)
        let text = String(decoding: buffer[..<count], as: UTF8.self)
        for words in ["code 64", "parameters", "ulimit -v", "3.1 GB", "model.hidden", "model.layers"] {
            #expect(text.contains(words), "no '\(words)' in \(text)")
        }
        #expect(text.split(separator: "\n").count == 2, "\(text)")
        #expect(Date().timeIntervalSince(began) < 5)
        #expect(!FileManager.default.fileExists(atPath: scratch.path("run")))
    }

    @Test("a port that is taken, and a directory where a server is running, are told")
    func taken() throws {
        let scratch = try prepared()
        let cluster = try SmallCluster(scratch, run: "run")
        let ending = try scratch.run(
            .rondo, "check", "config.yaml", "--output", "run", "--bind", cluster.endpoint)
        #expect(ending.code == 64, "\(ending)")
        #expect(ending.errors.contains("in use") && ending.errors.contains("\(cluster.server.process)"), "\(ending)")
        cluster.server.signal(SIGTERM)
        _ = cluster.server.wait()
    }

    @Test("init writes what train runs at once, and never over a file that is there")
    func starter() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus("my text.txt", sentences: 60)
        let made = try scratch.run(.rondo, "init", "my text.txt")
        #expect(made.code == 0 && made.output.contains("rondo train"), "\(made)")
        let again = try scratch.run(.rondo, "init", "my text.txt")
        #expect(again.code == 64 && again.errors.contains("there already"), "\(again)")
        let trained = try scratch.run(
            .rondo, "train", "my text.yaml", "--output", "run", "--set", "training.steps=3")
        #expect(trained.code == 0, "\(trained)")
        #expect(try scratch.run(.rondo, "init", "none").code == 65)
    }

    @Test("config prints what is the same run: the same weights, and no other configuration")
    func config() throws {
        let scratch = try prepared(smallConfiguration(training: ", steps: 5"))
        let printed = try scratch.run(.rondo, "config", "config.yaml", "--set", "model.hidden=20")
        #expect(printed.code == 0)
        try scratch.write(printed.output, to: "whole.yaml")
        #expect(try scratch.run(.rondo, "config", "whole.yaml").output == printed.output)
        for (name, arguments) in [
            ("a", ["config.yaml", "--set", "model.hidden=20"]), ("b", ["whole.yaml"]),
        ] {
            let ending = try RunningProgram(
                .rondo, ["train"] + arguments + ["--output", name, "--workers", "1"], in: scratch
            ).wait()
            #expect(ending.code == 0, "\(ending)")
        }
        #expect(try scratch.digest(ofRun: "a") == scratch.digest(ofRun: "b"))
    }
}
