// Runs whose loss explodes: what is kept, what is said, and how they go on.

import Foundation
import Testing

@Suite("a run that diverges", .serialized)
struct DivergenceTests {
    /// A folder with a corpus and a configuration whose loss explodes after a few dozen sound steps.
    private struct Bench {
        let scratch: Scratch

        init(epochs: Int = 10) throws {
            scratch = try Scratch()
            try scratch.writeCorpus(sentences: 300)
            try scratch.write(
                """
                task: language-model
                data: {train: corpus.txt, validation: 0}
                model: {cell: elman, activation: relu, layers: 2, hidden: 24, embedding: 12}
                training:
                  epochs: \(epochs)
                  batch: 12
                  sequence: 16
                  shards: 6
                  clip: 0
                  adam: {rate: 0.05, beta2: 0.7, epsilon: 1e-30}
                checkpoints: {every: 5, keep: 1}
                """, to: "config.yaml")
        }

        func train(_ run: String, _ arguments: [String] = []) throws -> Ending {
            try RunningProgram(
                .rondo, ["train", "config.yaml", "--workers", "2", "--output", run] + arguments, in: scratch
            ).wait()
        }

        func audit(_ run: String) throws -> [String: Any] {
            let ending = try scratch.run(.rondo, "audit", run, "--json")
            #expect(ending.code == 0, "\(ending)")
            return try #require(
                try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
        }

        /// The words of the command that a message names.
        func command(in text: String) throws -> [String] {
            let start = try #require(text.range(of: "rondo train "), "\(text)")
            return text[start.upperBound...].prefix { !$0.isNewline }.split(separator: " ").map(String.init)
        }

        /// The steps of the checkpoints on disk.
        func checkpoints(_ run: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: scratch.path("\(run)/checkpoints"))
                .filter { $0.hasPrefix("step-") }.sorted()
        }

        /// Whether the weights of the newest checkpoint are finite numbers.
        func isSound(_ run: String) throws -> Bool {
            let bytes = [UInt8](try Data(contentsOf: scratch.url("\(run)/checkpoints/latest/model.safetensors")))
            let header = 8 + bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            return stride(from: header, to: bytes.count - 3, by: 4).allSatisfy { place in
                let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
                return Float(bitPattern: bits).isFinite
            }
        }
    }

    @Test("the last sound checkpoint stays, and the command that the message names goes on from it, on record")
    func goesOn() throws {
        let bench = try Bench()
        let ending = try bench.train("run")
        // It ends in numbers that are none, or with a loss that is hopeless: told in both cases.
        #expect(ending.code == 70 || ending.output.contains("WARNING"), "\(ending)")
        let text = ending.code == 70 ? ending.errors : ending.output
        #expect(text.contains("training.adam.rate=0.005"), "\(ending)")
        #expect(!text.contains("lower training.adam.rate or training.clip"), "\(ending)")
        let log = try String(contentsOf: bench.scratch.url("run/logs/server.log"), encoding: .utf8)
        #expect(log.contains("the loss has exploded"), "\(log)")
        #expect(try bench.isSound("run"))

        // The same from a copy: what follows is a function of the checkpoint and the new rate.
        try FileManager.default.copyItem(at: bench.scratch.url("run"), to: bench.scratch.url("copy"))
        let words = try bench.command(in: text)
        let again = try RunningProgram(.rondo, ["train"] + words, in: bench.scratch).wait()
        #expect(again.code == 0, "\(words) \(again)")
        let copied = words.map { $0.replacingOccurrences(of: "run", with: "copy") }
        let copy = try RunningProgram(.rondo, ["train"] + copied + ["--workers", "1"], in: bench.scratch).wait()
        #expect(copy.code == 0, "\(copy)")
        #expect(try bench.scratch.digest(ofRun: "run") == bench.scratch.digest(ofRun: "copy"))

        let report = try bench.audit("run")
        #expect(report["isProven"] as? Bool == true && report["isComplete"] as? Bool == true, "\(report)")
        let changes = try #require(report["changes"] as? [[String: Any]])
        let rate = try #require(changes.first { $0["key"] as? String == "training.adam.rate" })
        #expect(rate["old"] as? String == "0.05" && rate["new"] as? String == "0.005", "\(rate)")
        let json = try Data(contentsOf: bench.scratch.url("run/checkpoints/latest/run.json"))
        let record = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect((record["changes"] as? [[String: Any]])?.count == changes.count && record["exploded"] == nil)
        let both = try bench.scratch.run(.rondo, "audit", "run", "copy")
        #expect(both.code == 0 && both.output.contains("training.adam.rate from 0.05 to 0.005"), "\(both)")
    }

    @Test("without consent a lower rate is refused, with the option that gives it")
    func consent() throws {
        let bench = try Bench(epochs: 1)
        _ = try bench.train("run", ["--set", "training.adam.rate=0.001", "--set", "training.steps=8"])
        let refused = try bench.train("run", ["--set", "training.adam.rate=0.0005", "--set", "training.steps=12"])
        #expect(refused.code == 64 && refused.errors.contains("--accept-changes"), "\(refused)")
        let taken = try bench.train(
            "run", ["--set", "training.adam.rate=0.0005", "--set", "training.steps=12", "--accept-changes"])
        #expect(taken.code == 0, "\(taken)")
        let report = try bench.audit("run")
        #expect((report["changes"] as? [[String: Any]])?.first?["version"] as? Int == 8, "\(report)")
        // Nothing is left to compute: the new rate would be a lie.
        let nothing = try bench.train(
            "run", ["--set", "training.adam.rate=0.0001", "--set", "training.steps=12", "--accept-changes"])
        #expect(nothing.code == 64 && nothing.errors.contains("raise training.epochs"), "\(nothing)")
    }

    @Test("evaluations are on record with their steps, once each, through interruptions")
    func evaluations() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(training: ", validate: 7"), to: "config.yaml")
        let whole = try scratch.run(.rondo, "train", "config.yaml", "--output", "whole")
        #expect(whole.code == 0, "\(whole)")
        let first = try SmallCluster(scratch, run: "run", workers: 2)
        try first.waitForStep(24)
        first.server.signal(SIGKILL)
        _ = first.server.wait()
        for worker in first.workers { worker.signal(SIGKILL) }
        let second = try SmallCluster(scratch, run: "run", workers: 1, resumes: true)
        let ending = second.server.wait()
        #expect(ending.code == 0, "\(ending)")
        let rows = try String(contentsOf: scratch.url("run/metrics.jsonl"), encoding: .utf8)
        #expect(rows == (try String(contentsOf: scratch.url("whole/metrics.jsonl"), encoding: .utf8)))
        let steps = try rows.split(separator: "\n").compactMap { line -> Int? in
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(row?["trainingLoss"] is Double, "\(line)")
            return row?["validationLoss"] is Double ? row?["step"] as? Int : nil
        }
        #expect(rows.contains("{\"step\":100,"))
        #expect(steps == Array(Set(steps)).sorted() && steps.starts(with: [7, 14, 21, 28]), "\(steps)")
        let audit = try scratch.run(.rondo, "audit", "run", "--json")
        let report = try JSONSerialization.jsonObject(with: Data(audit.output.utf8)) as? [String: Any]
        let recorded = report?["evaluations"] as? [[String: Any]]
        #expect(recorded?.compactMap { $0["step"] as? Int } == steps, "\(audit)")
        #expect(report?["isProven"] as? Bool == true, "\(audit)")
    }
}
