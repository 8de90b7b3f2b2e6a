// `rondo train` and what people do with its result.

import Foundation
import Testing

@Suite("rondo train and its result", .serialized)
struct TrainCommandTests {
    /// A finished small run that the tests of this suite read.
    private static let finished: Result<Scratch, any Error> = Result {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let ending = try scratch.run(.rondo, "train", "config.yaml", "--workers", "2", "--output", "run")
        try #require(ending.code == 0, "\(ending)")
        return scratch
    }

    @Test("a whole cluster trains, ends with 0, and leaves no process behind")
    func trains() throws {
        let scratch = try Self.finished.get()
        let latest = scratch.url("run/checkpoints/latest")
        for file in ["model.safetensors", "optimizer.safetensors", "run.json", "tokenizer.json", "manifest.json"] {
            #expect(FileManager.default.fileExists(atPath: latest.appendingPathComponent(file).path), "\(file)")
        }
        #expect(try processes(mentioning: scratch.folder.path).isEmpty)
    }

    @Test("a finished run is not trained again, and one of another configuration is refused with the keys")
    func runTwice() throws {
        let scratch = try Self.finished.get()
        let before = try scratch.digest(ofRun: "run")
        let again = try scratch.run(.rondo, "train", "config.yaml", "--output", "run")
        #expect(again.code == 0, "\(again)")
        #expect(try scratch.digest(ofRun: "run") == before)
        let other = try scratch.run(
            .rondo, "train", "config.yaml", "--output", "run", "--set", "training.adam.rate=0.5")
        #expect(other.code == 64, "\(other)")
        #expect(other.errors.contains("training.adam.rate"), "\(other)")
    }

    @Test("sampling is reproducible from a seed, and differs between seeds")
    func samples() throws {
        let scratch = try Self.finished.get()
        func sample(_ seed: String) throws -> Ending {
            try scratch.run(.rondo, "sample", "--checkpoint", "run", "--length", "60", "--seed", seed)
        }
        let first = try sample("1")
        #expect(first.code == 0 && first.output.count >= 60, "\(first)")
        #expect(try sample("1").output == first.output)
        #expect(try sample("2").output != first.output)
    }

    @Test("evaluate, score and greedy sampling answer on standard output")
    func measures() throws {
        let scratch = try Self.finished.get()
        for arguments in [
            ["evaluate", "--checkpoint", "run", "--data", "corpus.txt"],
            ["score", "--checkpoint", "run", "corpus.txt"],
            ["sample", "--checkpoint", "run", "--greedy", "--prompt", "the river", "--length", "20"],
        ] {
            let ending = try RunningProgram(.rondo, arguments, in: scratch).wait()
            #expect(ending.code == 0 && !ending.output.isEmpty, "\(arguments): \(ending)")
        }
    }

    @Test("a flipped byte or a truncated file in a checkpoint is found and named")
    func damage() throws {
        let scratch = try Self.finished.get()
        let source = scratch.url("run/checkpoints/latest").resolvingSymlinksInPath()
        for (name, damage) in [
            ("flipped", { (data: inout Data) in data[data.count / 2] ^= 1 }),
            ("truncated", { (data: inout Data) in data.removeLast(100) }),
        ] {
            let copy = scratch.url(name)
            try FileManager.default.copyItem(at: source, to: copy)
            let model = copy.appendingPathComponent("model.safetensors")
            var data = try Data(contentsOf: model)
            damage(&data)
            try data.write(to: model)
            let ending = try scratch.run(.rondo, "sample", "--checkpoint", name)
            #expect(ending.code == 65, "\(ending)")
            #expect(ending.errors.contains("model.safetensors"), "\(ending)")
        }
    }

    @Test("from a live server: status, a snapshot, and a sample; Ctrl-C then writes a checkpoint and ends everything")
    func liveServer() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 3000)
        try scratch.write(
            smallConfiguration(training: ", steps: 100000").replacingOccurrences(
                of: "epochs: 2", with: "epochs: 10000"), to: "config.yaml")
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--workers", "2", "--output", "run"], in: scratch)
        let endpointFile = scratch.path("run/endpoint")
        let deadline = Date().addingTimeInterval(30)
        while !FileManager.default.fileExists(atPath: endpointFile), Date() < deadline { usleep(20_000) }
        let endpoint = try String(contentsOfFile: endpointFile, encoding: .utf8).trimmingCharacters(in: .newlines)
        let status = try scratch.run(.rondo, "status", endpoint)
        #expect(status.code == 0 && status.output.contains("worker"), "\(status)")
        try checkSeconds(scratch, endpoint)
        let pull = try scratch.run(.rondo, "pull", endpoint, "--output", "pulled")
        #expect(pull.code == 0, "\(pull)")
        let fromPulled = try scratch.run(.rondo, "sample", "--checkpoint", "pulled", "--length", "30")
        #expect(fromPulled.code == 0, "\(fromPulled)")
        let live = try scratch.run(.rondo, "sample", "--server", endpoint, "--length", "30")
        #expect(live.code == 0, "\(live)")
        train.signal(SIGINT)
        let ending = train.wait(seconds: 60)
        #expect(ending.code == 130, "\(ending)")
        #expect(FileManager.default.fileExists(atPath: scratch.path("run/checkpoints/latest/model.safetensors")))
        usleep(300_000)
        #expect(try processes(mentioning: scratch.folder.path).isEmpty)
    }

    /// Between two looks the times of the server add up to its uptime, and those of a worker cover what it does.
    private func checkSeconds(_ scratch: Scratch, _ endpoint: String) throws {
        struct Look: Decodable {
            struct Worker: Decodable { var steps: Int, seconds: [String: Double] }
            var step: Int, uptimeSeconds: Double, lastStepUptimeSeconds: Double?, seconds: [String: Double]
            var workers: [Worker]
            var wallSeconds: Double { seconds.reduce(0) { $1.key == "cpu" ? $0 : $0 + $1.value } }
        }
        var looks: [Look] = []
        let deadline = Date().addingTimeInterval(30)
        while looks.count < 2 {
            try #require(Date() < deadline, "no second look at the run: \(looks)")
            usleep(300_000)
            let output = try scratch.run(.rondo, "status", endpoint, "--json").output
            let look = try JSONDecoder().decode(Look.self, from: Data(output.utf8))
            if look.workers.count == 2, look.workers.allSatisfy({ $0.steps > 1 }) { looks.append(look) }
        }
        let uptime = looks[1].uptimeSeconds - looks[0].uptimeSeconds
        #expect(abs(looks[1].wallSeconds - looks[0].wallSeconds - uptime) < 0.01, "\(looks)")
        #expect(looks[1].step > looks[0].step)
        let applied = try #require(looks[1].lastStepUptimeSeconds)
        #expect(applied <= looks[1].uptimeSeconds && applied > looks[0].lastStepUptimeSeconds ?? 0)
        for name in ["idle", "receive", "sum", "norm", "adam", "send", "cpu"] {
            #expect(looks[1].seconds[name, default: 0] > 0, "\(name) \(looks)")
        }
        for name in [
            "inputProduct", "recurrentProduct", "gates", "output", "loss", "weightGradients", "packingRows",
            "packingWeights", "embedding", "other", "push", "weights", "wait", "cpu",
        ] {
            #expect(looks[1].workers.allSatisfy { $0.seconds[name, default: 0] > 0 }, "\(name) \(looks)")
        }
    }

    @Test("a worker that is killed is restarted, and the run ends as if nothing had been")
    func supervision() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 3000)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try scratch.run(.rondo, "train", "config.yaml", "--workers", "1", "--output", "quiet")
        #expect(quiet.code == 0, "\(quiet)")
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--workers", "2", "--output", "run"], in: scratch)
        var killed = 0
        let deadline = Date().addingTimeInterval(30)
        while killed == 0, Date() < deadline, train.isRunning {
            if let worker = try processes(mentioning: "worker-1", parent: train.process).first {
                usleep(400_000)
                kill(worker, SIGKILL)
                killed += 1
            }
            usleep(5_000)
        }
        #expect(killed == 1)
        let ending = train.wait(seconds: 120)
        #expect(ending.code == 0, "\(ending)")
        #expect(try scratch.digest(ofRun: "run") == scratch.digest(ofRun: "quiet"))
    }

    @Test("children end with a supervisor that is killed")
    func noOrphans() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(
            smallConfiguration().replacingOccurrences(of: "epochs: 2", with: "epochs: 100000"), to: "config.yaml")
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--workers", "2", "--output", "run"], in: scratch)
        let deadline = Date().addingTimeInterval(30)
        var children: [Int32] = []
        while children.count < 3, Date() < deadline {
            children = try processes(mentioning: "rondo-", parent: train.process)
            usleep(20_000)
        }
        #expect(children.count == 3)
        train.signal(SIGKILL)
        let end = Date().addingTimeInterval(15)
        while children.contains(where: { kill($0, 0) == 0 }), Date() < end { usleep(50_000) }
        #expect(!children.contains { kill($0, 0) == 0 })
    }
}
