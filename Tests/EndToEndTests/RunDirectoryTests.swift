// The directory of a run: copied, taken over, damaged, refused, on file systems that lack something.

import Foundation
import Testing

@Suite("The directory of a run")
struct RunDirectoryTests {
    private func scratch() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        return scratch
    }

    private func train(
        _ scratch: Scratch, _ run: String = "run", _ more: String..., environment: [String: String] = [:]
    ) throws -> Ending {
        try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", run, "--workers", "1"] + more, in: scratch,
            environment: environment
        ).wait()
    }

    private func steps(_ scratch: Scratch, _ run: String = "run") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: scratch.path("\(run)/checkpoints"))
            .filter { $0.hasPrefix("step-") }.sorted()
    }

    private func append(_ scratch: Scratch, _ name: String) throws {
        let file = try FileHandle(forWritingTo: scratch.url(name))
        try file.seekToEnd()
        try file.write(contentsOf: Data("x".utf8))
        try file.close()
    }

    @Test("latest is repaired at each start, whatever stands in its place, and damage is computed again")
    func latestAndDamage() throws {
        let scratch = try scratch()
        let latest = scratch.path("run/checkpoints/latest")
        try FileManager.default.createDirectory(atPath: latest, withIntermediateDirectories: true)
        let first = try train(scratch)
        #expect(first.code == 0, "\(first)")
        let newest = try #require(try steps(scratch).last)
        #expect(try steps(scratch).count <= 3)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: latest) == newest)
        let digest = try scratch.digest(ofRun: "run")

        for place in [{}, { try FileManager.default.createSymbolicLink(atPath: latest, withDestinationPath: "gone") }] {
            try FileManager.default.removeItem(atPath: latest)
            try place()
            let again = try train(scratch)
            #expect(again.code == 0 && again.output.contains("nothing is left to do"), "\(again)")
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: latest) == newest)
        }

        for damaged in [[newest], try steps(scratch)] {
            for step in damaged { try append(scratch, "run/checkpoints/\(step)/model.safetensors") }
            let mended = try train(scratch)
            #expect(mended.code == 0, "\(mended)")
            #expect(mended.errors.contains("\(newest): model.safetensors: expected "))
            #expect(mended.errors.contains("the missing steps are computed again"))
            #expect(try scratch.digest(ofRun: "run") == digest)
            let audit = try scratch.run(.rondo, "audit", "run")
            #expect(audit.code == 0, "\(audit)")
        }
    }

    @Test("a directory that is taken over gets a new ledger, and half-prepared data of a killed server go")
    func takenOver() throws {
        let scratch = try scratch()
        let cluster = try SmallCluster(scratch, run: "run")
        cluster.server.signal(SIGTERM)
        #expect(cluster.server.wait().code == 130)
        for name in ["data/training.tokens.partial-99999", "data/tokenizer.json.partial-4", ".run.json.partial-99999"] {
            try scratch.write("half", to: "run/\(name)")
        }
        let other = try train(scratch, "run", "--set", "training.adam.rate=0.02")
        #expect(other.code == 0, "\(other)")
        let audit = try scratch.run(.rondo, "audit", "run")
        #expect(audit.code == 0, "\(audit)")
        let left = try FileManager.default.subpathsOfDirectory(atPath: scratch.path("run"))
            .filter { $0.contains("partial") }
        #expect(left.isEmpty, "\(left)")
    }

    @Test("a refused start leaves nothing behind")
    func refused() throws {
        let scratch = try scratch()
        try scratch.write(String(repeating: "a b\n", count: 10), to: "short.txt")
        for text in ["none.txt", "short.txt"] {
            let refused = try train(scratch, "new/run", "--set", "data.train=\(text)")
            #expect([64, 65].contains(refused.code), "\(refused)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path("new/run/run.json")))
            #expect(!FileManager.default.fileExists(atPath: scratch.path("new/run/server.lock")))
        }
    }

    @Test("each use asks for the files that it needs, any JSON is read, changed weights are adopted on request")
    func uses() throws {
        let scratch = try scratch()
        #expect(try train(scratch).code == 0)
        let newest = try #require(try steps(scratch).last)
        try FileManager.default.copyItem(
            atPath: scratch.path("run/checkpoints/\(newest)"), toPath: scratch.path("copy"))
        let whole = try scratch.run(.rondo, "evaluate", "--checkpoint", "copy", "--data", "corpus.txt")
        #expect(whole.code == 0, "\(whole)")

        for file in ["optimizer.safetensors", "state.safetensors"] {
            try FileManager.default.removeItem(atPath: scratch.path("copy/\(file)"))
        }
        let manifest = try JSONSerialization.jsonObject(with: Data(contentsOf: scratch.url("copy/manifest.json")))
        try JSONSerialization.data(withJSONObject: manifest).write(to: scratch.url("copy/manifest.json"))
        let slim = try scratch.run(.rondo, "evaluate", "--checkpoint", "copy", "--data", "corpus.txt")
        #expect(slim.code == 0 && slim.output == whole.output, "\(slim)")

        var model = try Data(contentsOf: scratch.url("copy/model.safetensors"))
        model[model.count - 1] ^= 0x80
        try model.write(to: scratch.url("copy/model.safetensors"))
        for command in [["sample"], ["score", "corpus.txt"], ["evaluate", "--data", "corpus.txt"]] {
            let arguments = command + ["--checkpoint", "copy"]
            let refused = try RunningProgram(.rondo, arguments, in: scratch).wait()
            #expect(refused.code == 65 && refused.errors.contains("add --adopt-weights"), "\(refused)")
            let adopted = try RunningProgram(.rondo, arguments + ["--adopt-weights"], in: scratch).wait()
            #expect(
                adopted.code == 0 && adopted.errors.contains("taken as it is: copy: model.safetensors"), "\(adopted)")
        }
        model.replaceSubrange(model.count - 4..<model.count, with: [0, 0, 0xC0, 0x7F])
        try model.write(to: scratch.url("copy/model.safetensors"))
        let notFinite = try scratch.run(.rondo, "sample", "--checkpoint", "copy", "--adopt-weights")
        #expect(notFinite.code == 65 && notFinite.errors.contains("not a finite number"), "\(notFinite)")
    }

    @Test("a safetensors header of 95 MB is refused at once")
    func giantHeader() throws {
        let scratch = try scratch()
        #expect(try train(scratch).code == 0)
        let newest = try #require(try steps(scratch).last)
        try FileManager.default.copyItem(
            atPath: scratch.path("run/checkpoints/\(newest)"), toPath: scratch.path("copy"))
        var file = withUnsafeBytes(of: UInt64(95_000_000).littleEndian) { Data($0) }
        file.append(Data(repeating: 0x20, count: 95_000_000))
        try file.write(to: scratch.url("copy/model.safetensors"))
        let refused = try scratch.run(.rondo, "sample", "--checkpoint", "copy", "--adopt-weights")
        #expect(refused.code == 65 && refused.errors.contains("95000000 bytes"), "\(refused)")
        #expect(refused.errors.split(separator: "\n").count <= 2)
    }
}
