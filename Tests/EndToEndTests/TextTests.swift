// Texts between two starts of a run, from streams, and on disks that fail.

import Foundation
import Testing

@Suite("texts", .serialized)
struct TextTests {
    private func prepared() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        return scratch
    }

    private func rondo(_ scratch: Scratch, _ command: String, _ arguments: String...) throws -> Ending {
        try RunningProgram(
            .rondo, [command, "config.yaml", "--workers", "1"] + arguments, in: scratch
        ).wait()
    }

    @Test("a text that was changed in place is told, and the run goes on with the text that it was begun with")
    func changedText() throws {
        let scratch = try prepared()
        let corpus = try String(contentsOf: scratch.url("corpus.txt"), encoding: .utf8)
        #expect(try rondo(scratch, "train", "--output", "a").code == 0)
        #expect(try rondo(scratch, "train", "--output", "whole", "--set", "training.epochs=3").code == 0)
        try scratch.write(String(corpus.uppercased().dropLast(500)), to: "corpus.txt")
        let warning = "rondo: corpus.txt: has changed since the run in a was begun"
        func warnings(_ ending: Ending) -> Int {
            ending.errors.split(separator: "\n").count { $0.hasPrefix(warning) }
        }
        let complete = try rondo(scratch, "train", "--output", "a")
        #expect(complete.code == 0 && warnings(complete) == 1 && complete.output.contains("nothing is left to do"))
        let check = try rondo(scratch, "check", "--output", "a", "--set", "training.epochs=3")
        #expect(check.code == 0 && warnings(check) == 1, "\(check)")
        #expect(check.output.contains("as the run in the directory has prepared them"), "\(check)")
        let going = try rondo(scratch, "train", "--output", "a", "--set", "training.epochs=3")
        #expect(going.code == 0 && warnings(going) == 1, "\(going)")
        #expect(try scratch.digest(ofRun: "a") == scratch.digest(ofRun: "whole"))
        try scratch.write(corpus, to: "corpus.txt")
        #expect(warnings(try rondo(scratch, "train", "--output", "a", "--set", "training.epochs=3")) == 0)
    }

    @Test("check counts the data that a run has prepared, not its changed text")
    func checkCounts() throws {
        let scratch = try prepared()
        #expect(try rondo(scratch, "train", "--output", "run").code == 0)
        func steps() throws -> [String: Any] {
            let ending = try rondo(scratch, "check", "--output", "run", "--json", "--set", "training.epochs=3")
            let json = try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any]
            return try #require(json?["steps"] as? [String: Any])
        }
        let before = try steps()
        try scratch.write("another text, and a short one", to: "corpus.txt")
        let after = try steps()
        #expect(
            after["ofEpoch"] as? Int == before["ofEpoch"] as? Int && after["total"] as? Int == before["total"] as? Int)
        try FileManager.default.removeItem(at: scratch.url("corpus.txt"))
        #expect(try steps()["ofEpoch"] as? Int == before["ofEpoch"] as? Int)
    }

    @Test("check takes --accept-changes, and refuses without it, as train does")
    func acceptedChanges() throws {
        let scratch = try prepared()
        #expect(try rondo(scratch, "train", "--output", "run").code == 0)
        let changes = ["--set", "training.adam.rate=0.003", "--set", "training.epochs=3"]
        let refused = try rondo(scratch, "check", "--output", "run", changes[0], changes[1], changes[2], changes[3])
        #expect(refused.code == 64 && refused.errors.contains("--accept-changes"), "\(refused)")
        let accepted = try rondo(
            scratch, "check", "--output", "run", "--accept-changes", changes[0], changes[1], changes[2], changes[3])
        #expect(accepted.code == 0 && accepted.errors.isEmpty, "\(accepted)")
    }

    @Test("check and train tell all mistakes of a configuration and of the options, a line each")
    func allMistakes() throws {
        let scratch = try prepared()
        let faulty = smallConfiguration().replacing("hidden:", with: "hiden:").replacing(
            "layers: 2", with: "layers: two"
        )
        .replacing("every: 10", with: "every: 0")
        try scratch.write(faulty, to: "config.yaml")
        for command in ["check", "train"] {
            let ending = try RunningProgram(
                .rondo, [command, "config.yaml", "--partitions", "0", "--set", "training.clip=x"], in: scratch
            ).wait()
            let lines = ending.errors.split(separator: "\n")
            #expect(ending.code == 64 && lines.count == 5 && lines.allSatisfy { $0.hasPrefix("rondo: ") }, "\(ending)")
            for words in [
                "--partitions 0", "config.yaml:3: model.hiden", "model.layers", "checkpoints.every", "clip=x",
            ] {
                #expect(lines.count { $0.contains(words) } == 1, "\(words): \(ending)")
            }
        }
    }

    @Test("a training text from a stream is refused before the start, with what to do")
    func streams() throws {
        let scratch = try prepared()
        for (path, redirection) in [
            ("-", "< corpus.txt"), ("/dev/stdin", "< corpus.txt"), ("/dev/fd/7", "7< corpus.txt"), ("pipe", ""),
        ] {
            mkfifo(scratch.path("pipe"), 0o600)
            let command =
                "\"$R/rondo\" train config.yaml --output run --set data.train=\(path) --set data.validation=\(path) "
                + redirection
            let ending = try scratch.shell(command)
            let lines = ending.errors.split(separator: "\n")
            #expect(ending.code == 65 && lines.count == 2, "\(ending)")
            #expect(lines.allSatisfy { $0.contains("write it into a file first") }, "\(ending)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path("run")))
        }
        let started = try scratch.shell("cat corpus.txt | \"$R/rondo\" init - --output other.yaml")
        #expect(started.code == 65 && started.errors.contains("write it into a file first"), "\(started)")
    }

    @Test("a disk that fails while data are prepared ends a new run with 74, the file named, and nothing left behind")
    func failingDisk() throws {
        let scratch = try prepared()
        let file = try scratch.write(
            #"""
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <errno.h>
            #include <stdio.h>
            #include <string.h>
            #include <unistd.h>

            int fsync(int descriptor) {
                char link[64], path[4096];
                snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
                ssize_t count = readlink(link, path, sizeof path - 1);
                path[count > 0 ? count : 0] = 0;
                if (strstr(path, ".tokens")) { errno = EIO; return -1; }
                return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(descriptor);
            }
            """#, to: "failing.c")
        let compiler = try RunningProgram(
            path: "/usr/bin/cc", ["-shared", "-fPIC", "-o", scratch.path("failing.so"), file, "-ldl"], in: scratch
        ).wait(seconds: 60)
        try #require(compiler.code == 0, "\(compiler)")
        let ending = try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", "run", "--workers", "1"], in: scratch,
            environment: ["LD_PRELOAD": scratch.path("failing.so")]
        ).wait(seconds: 60)
        #expect(ending.code == 74, "\(ending)")
        #expect(ending.errors.contains("run/data/training.tokens") && ending.errors.contains("Input/output error"))
        #expect(!FileManager.default.fileExists(atPath: scratch.path("run")), "\(ending)")
    }

    @Test("a sparse file of any size is refused at its first byte, by every reader")
    func sparse() throws {
        let scratch = try prepared()
        #expect(try rondo(scratch, "train", "--output", "run").code == 0)
        try #require(truncate(try scratch.write("", to: "big.txt"), 1 << 40) == 0)
        for arguments in [
            ["check", "config.yaml", "--output", "new", "--set", "data.train=big.txt"],
            ["train", "config.yaml", "--output", "new", "--set", "data.train=big.txt"],
            ["evaluate", "--checkpoint", "run", "--data", "big.txt"], ["init", "big.txt"],
        ] {
            let ending = try RunningProgram(.rondo, arguments, in: scratch).wait(seconds: 20)
            #expect(ending.code == 65 && ending.errors.contains("big.txt:1: holds zero bytes"), "\(ending)")
            #expect(ending.seconds < 5, "\(ending)")
        }
    }

    @Test(
        "a run's directory whose files were damaged is refused with file and key, by check as by train",
        arguments: [
            ("run.json", "{\"run\": 5, \"incarnation\": 1, \"completed\": true}", "the key \"run\": expected a text"),
            ("run.json", "{", "not JSON"), ("configuration.json", "{}", "task: missing"),
        ])
    func damagedDirectory(file: String, content: String, words: String) throws {
        let scratch = try prepared()
        #expect(try rondo(scratch, "train", "--output", "run", "--set", "training.steps=2").code == 0)
        try scratch.write(content, to: "run/\(file)")
        for command in ["check", "train"] {
            let ending = try rondo(scratch, command, "--output", "run")
            #expect(ending.code == 64 && ending.errors.contains("run/\(file)"), "\(ending)")
            #expect(ending.errors.contains(words) && ending.errors.split(separator: "\n").count == 1, "\(ending)")
        }
        let audit = try scratch.run(.rondo, "audit", "run")
        #expect(audit.code == 65 && audit.errors.contains("run/\(file)") && audit.errors.contains(words), "\(audit)")
    }
}
