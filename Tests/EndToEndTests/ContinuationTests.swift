// Runs that go on with other values of some keys, and end with the bits of runs that had them from the start.

import Foundation
import Testing

@Suite("a run that goes on with changed keys", .serialized)
struct ContinuationTests {
    /// A folder with a corpus, a configuration, and a helper that trains.
    private struct Bench {
        let scratch: Scratch

        init(data: String = "", training: String = "") throws {
            scratch = try Scratch()
            try scratch.writeCorpus(sentences: 300)
            try scratch.write(smallConfiguration(data: data, training: training), to: "config.yaml")
        }

        @discardableResult
        func train(_ run: String, _ settings: String..., options: [String] = [], code: Int32 = 0) throws -> Ending {
            let sets = settings.flatMap { ["--set", $0] }
            let ending = try RunningProgram(
                .rondo, ["train", "config.yaml", "--workers", "2", "--output", run] + sets + options, in: scratch
            ).wait()
            #expect(ending.code == code, "\(settings): \(ending)")
            return ending
        }

        /// What `run.json` of the newest checkpoint says.
        func record(_ run: String) throws -> [String: Any] {
            let json = try Data(contentsOf: scratch.url("\(run)/checkpoints/latest/run.json"))
            return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        }

        /// Whether `rondo audit` proves the run to its last step.
        func isProven(_ run: String) throws -> Bool {
            let ending = try scratch.run(.rondo, "audit", run, "--json")
            let object = try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any]
            let isWhole = object?["provenSteps"] as? Int == object?["totalSteps"] as? Int
            return ending.code == 0 && isWhole && object?["isComplete"] as? Bool == true
        }

        /// The weights and moments of two runs have the same bits, both are complete and proven.
        func expectSame(_ run: String, _ other: String) throws {
            for file in ["model.safetensors", "optimizer.safetensors", "state.safetensors"] {
                #expect(try scratch.digest(ofRun: run, file) == scratch.digest(ofRun: other, file), "\(file)")
            }
            let (one, two) = (try record(run), try record(other))
            for key in ["step", "totalSteps", "epoch", "stepInEpoch", "smoothedLoss", "validationLoss"] {
                #expect("\(one[key] ?? "")" == "\(two[key] ?? "")", "\(key)")
            }
            #expect(one["configuration"] as? NSDictionary == two["configuration"] as? NSDictionary)
            for run in [run, other] { #expect(try isProven(run), "\(run)") }
        }
    }

    @Test("a complete run with more epochs ends with the bits of one that had them from the start")
    func moreEpochs() throws {
        let bench = try Bench()
        try bench.train("whole", "training.epochs=3")
        try bench.train("grown")
        let first = try bench.scratch.digest(ofRun: "grown")
        try bench.train("grown", "training.epochs=3")
        #expect(try bench.scratch.digest(ofRun: "grown") != first)
        try bench.expectSame("grown", "whole")
    }

    @Test("lines in shuffled order go on as well: by training.steps, in the midst of an epoch, up and down")
    func steps() throws {
        let bench = try Bench(data: ", shape: sequences")
        try bench.train("whole", "training.steps=33")
        try bench.train("grown", "training.steps=17")
        try bench.train("grown", "training.steps=40")
        // Fewer than are done: told, and nothing is changed.
        let before = try bench.scratch.digest(ofRun: "grown")
        let refused = try bench.train("grown", "training.steps=33", code: 64)
        #expect(refused.errors.contains("has done 40 steps") && refused.errors.contains("33"), "\(refused)")
        #expect(try bench.scratch.digest(ofRun: "grown") == before && bench.isProven("grown"))
        try bench.train("other", "training.steps=17")
        try bench.train("other", "training.steps=33")
        try bench.expectSame("other", "whole")
    }

    @Test("an interrupted run goes on with fewer epochs, other evaluations and other checkpoints")
    func unfinished() throws {
        let bench = try Bench()
        try bench.train(
            "whole", "training.epochs=4", "training.validate=7", "checkpoints.every=9", "checkpoints.keep=1")
        try bench.train("run", "training.epochs=3", "checkpoints.every=1000")
        // As a run of 100 epochs looks that was killed after its third.
        for name in ["run.json"] {
            let text = try String(contentsOf: bench.scratch.url("run/\(name)"), encoding: .utf8)
            try bench.scratch.write(text.replacingOccurrences(of: "true", with: "false"), to: "run/\(name)")
        }
        let configuration = try String(contentsOf: bench.scratch.url("run/configuration.json"), encoding: .utf8)
        try bench.scratch.write(
            configuration.replacingOccurrences(of: "\"epochs\" : 3", with: "\"epochs\" : 100"),
            to: "run/configuration.json")
        try bench.train("run", "training.epochs=4", "training.validate=7", "checkpoints.every=9", "checkpoints.keep=1")
        try bench.expectSame("run", "whole")
        let steps = try FileManager.default.contentsOfDirectory(atPath: bench.scratch.path("run/checkpoints"))
        #expect(steps.filter { $0.hasPrefix("step-") }.count <= 2, "the newest and the best: \(steps)")
    }

    @Test("a complete run takes another number of checkpoints to keep, and computes nothing")
    func keep() throws {
        let bench = try Bench()
        try bench.train("run", "checkpoints.keep=5")
        let before = try bench.scratch.digest(ofRun: "run")
        let ending = try bench.train("run", "checkpoints.keep=1")
        #expect(ending.output.contains("nothing is left to do"), "\(ending)")
        #expect(try bench.scratch.digest(ofRun: "run") == before && bench.isProven("run"))
        let steps = try FileManager.default.contentsOfDirectory(atPath: bench.scratch.path("run/checkpoints"))
        #expect(steps.filter { $0.hasPrefix("step-") }.count <= 2, "the newest and the best: \(steps)")
    }

    @Test("rondo-server --resume goes on with more steps")
    func server() throws {
        let bench = try Bench()
        try bench.train("whole", "training.steps=30")
        try bench.train("run", "training.steps=20")
        try bench.scratch.write(smallConfiguration(training: ", steps: 30"), to: "config.yaml")
        let cluster = try SmallCluster(bench.scratch, run: "run", workers: 1, resumes: true)
        let ending = cluster.server.wait()
        #expect(ending.code == 0, "\(ending)")
        try bench.expectSame("run", "whole")
    }

    @Test("the same text under another path is the same data; another text is refused, and nothing is lost")
    func otherPath() throws {
        let bench = try Bench()
        try bench.train("run")
        let before = try bench.scratch.digest(ofRun: "run")
        try FileManager.default.createSymbolicLink(
            atPath: bench.scratch.path("link.txt"), withDestinationPath: "corpus.txt")
        for path in ["./corpus.txt", bench.scratch.path("corpus.txt"), "link.txt"] {
            let ending = try bench.train("run", "data.train=\(path)")
            #expect(ending.output.contains("nothing is left to do"), "\(ending)")
        }
        try FileManager.default.moveItem(at: bench.scratch.url("corpus.txt"), to: bench.scratch.url("moved.txt"))
        try bench.train("run", "data.train=moved.txt", "training.epochs=3")
        try bench.scratch.writeCorpus("other.txt", sentences: 301)
        let refused = try bench.train("run", "data.train=other.txt", "training.epochs=3", code: 64)
        #expect(refused.errors.contains("other text than the run there was begun with"), "\(refused)")
        #expect(try bench.scratch.digest(ofRun: "run") != before && bench.isProven("run"))
        let left = try FileManager.default.contentsOfDirectory(atPath: bench.scratch.path("run"))
        #expect(!left.contains { $0.hasPrefix("data-") }, "\(left)")
    }

    @Test("a key that makes another run is refused with the keys that may change")
    func refusal() throws {
        let bench = try Bench()
        try bench.train("run", "training.steps=5")
        let refused = try bench.train("run", "model.hidden=25", "training.epochs=7", code: 64)
        #expect(refused.errors.contains("model.hidden is 25 here and 24 there"), "\(refused)")
        for key in ["training.epochs", "training.steps", "training.validate", "checkpoints.keep", "checkpoints.every"] {
            #expect(refused.errors.contains(key), "\(key): \(refused)")
        }
        #expect(!refused.errors.contains("training.epochs is"), "\(refused)")
    }
}
