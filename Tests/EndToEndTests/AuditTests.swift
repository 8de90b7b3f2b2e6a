// The ledger that real runs leave behind, and what rondo audit says of it.

import Foundation
import Testing

@Suite("rondo audit", .serialized)
struct AuditTests {
    /// What `rondo audit --json` says.
    private func audit(_ scratch: Scratch, _ runs: String..., code: Int32 = 0) throws -> [String: Any] {
        let ending = try RunningProgram(.rondo, ["audit"] + runs + ["--json"], in: scratch).wait()
        #expect(ending.code == code, "\(ending)")
        let object = try JSONSerialization.jsonObject(with: Data(ending.output.utf8))
        return try #require(object as? [String: Any], "\(ending)")
    }

    private func run(_ scratch: Scratch, _ run: String, workers: Int) throws {
        let cluster = try SmallCluster(scratch, run: run, workers: workers)
        let ending = cluster.server.wait()
        #expect(ending.code == 0, "\(ending)")
    }

    @Test("runs with other workers, killed workers and killed servers are proven, and agree")
    func agree() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try run(scratch, "quiet", workers: 1)
        let first = try SmallCluster(
            scratch, run: "stormy", workers: 3, partitionServers: PartitionProgram.start(1, scratch))
        try first.waitForStep(12)
        first.workers[1].signal(SIGKILL)
        try first.waitForStep(27)
        // In the midst of a run the audit says how far it is proven.
        let living = try audit(scratch, "stormy")
        #expect(living["isProven"] as? Bool == true && living["isComplete"] as? Bool == false)
        #expect((living["provenSteps"] as? Int ?? 0) >= 27)
        first.server.signal(SIGKILL)
        _ = first.server.wait()
        for program in first.workers + first.partitionServers.map(\.program) { program.signal(SIGKILL) }
        let second = try SmallCluster(scratch, run: "stormy", workers: 2, resumes: true)
        let ending = second.server.wait()
        #expect(ending.code == 0, "\(ending)")

        let both = try audit(scratch, "quiet", "stormy")
        let comparison = try #require(both["comparison"] as? [String: Any])
        #expect(comparison["agree"] as? Bool == true, "\(comparison)")
        #expect((comparison["digests"] as? Int ?? 0) > 3, "\(comparison)")
        let report = try #require(both["second"] as? [String: Any])
        #expect(report["provenSteps"] as? Int == report["totalSteps"] as? Int)
        #expect(report["provenEpochs"] as? Int == 2 && (report["lives"] as? [Any])?.count == 2)
        #expect((report["checkpoints"] as? [Int] ?? []).count >= 2, "\(report)")
        #expect((report["redoneSteps"] as? Int ?? 0) > 0, "\(report)")
        let text = try scratch.run(.rondo, "audit", "quiet", "stormy")
        #expect(text.output.contains("the runs agree on all"), "\(text)")
    }

    @Test("a run with another seed parts from the first at step 1; lines are counted once in each order")
    func otherSeed() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        for seed in [1, 2] {
            let configuration = smallConfiguration(data: ", shape: sequences", training: ", seed: \(seed)")
            try scratch.write(configuration, to: "config.yaml")
            try run(scratch, "run\(seed)", workers: 2)
        }
        let both = try audit(scratch, "run1", "run2", code: 65)
        for name in ["first", "second"] {
            #expect((both[name] as? [String: Any])?["isProven"] as? Bool == true, "\(both)")
        }
        let comparison = try #require(both["comparison"] as? [String: Any])
        #expect((comparison["parting"] as? [String: Any])?["step"] as? Int == 1)
        let keys = (comparison["differences"] as? [[String: Any]])?.compactMap { $0["key"] as? String }
        #expect(keys == ["training.seed"])
    }

    @Test("a ledger or a checkpoint that somebody changed is caught")
    func tampered() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try run(scratch, "run", workers: 2)
        let ledger = scratch.url("run/ledger.jsonl")
        let genuine = try String(contentsOf: ledger, encoding: .utf8)
        var lines = genuine.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.filter { $0.contains(#""kind":"step""#) }.count > 20)
        // One token moves from one shard to another.
        lines[7] = try #require(
            lines[7].range(of: #""tokens":[32,32,"#).map {
                lines[7].replacingCharacters(in: $0, with: #""tokens":[33,31,"#)
            }, "\(lines[7])")
        try Data(lines.joined(separator: "\n").utf8).write(to: ledger)
        let tokens = try audit(scratch, "run", code: 65)
        let violations = try #require(tokens["violations"] as? [[String: Any]])
        #expect(violations.contains { $0["kind"] as? String == "wrongTokens" && $0["line"] as? Int == 8 })
        #expect(violations.contains { $0["kind"] as? String == "brokenChain" && $0["line"] as? Int == 9 })
        let text = try scratch.run(.rondo, "audit", "run")
        #expect(text.code == 65 && text.output.contains("not proven"), "\(text)")

        try Data(genuine.utf8).write(to: ledger)
        #expect(try audit(scratch, "run")["isProven"] as? Bool == true)
        // Weights that fit their manifest, but are not those that were trained.
        let folder = scratch.url("run/checkpoints/latest").resolvingSymlinksInPath()
        let weights = try Data(contentsOf: folder.appendingPathComponent("model.safetensors"))
        var changed = weights
        changed[changed.count - 1] ^= 1
        try changed.write(to: folder.appendingPathComponent("model.safetensors"))
        let before = try scratch.digest(ofFile: "run/checkpoints/latest/model.safetensors")
        try weights.write(to: folder.appendingPathComponent("model.safetensors"))
        let after = try scratch.digest(ofFile: "run/checkpoints/latest/model.safetensors")
        try changed.write(to: folder.appendingPathComponent("model.safetensors"))
        let manifest = folder.appendingPathComponent("manifest.json")
        let promise = try String(contentsOf: manifest, encoding: .utf8).replacingOccurrences(of: after, with: before)
        try Data(promise.utf8).write(to: manifest)
        let checkpoint = try audit(scratch, "run", code: 65)
        let found = try #require(checkpoint["violations"] as? [[String: Any]])
        #expect(found.map { $0["kind"] as? String } == ["wrongCheckpoint"], "\(found)")
    }

    @Test("what is no run is refused with what to do")
    func noRun() throws {
        let scratch = try Scratch()
        let ending = try scratch.run(.rondo, "audit", "nowhere")
        #expect(ending.code == 65 && ending.errors.contains("nowhere/ledger.jsonl: no such file"), "\(ending)")
        #expect(ending.output.isEmpty)
    }
}
