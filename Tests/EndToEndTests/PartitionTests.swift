// The parameters divided among several server processes: the same bits, whatever happens to them.

import Foundation
import Testing

@Suite("partitions", .serialized)
struct PartitionTests {
    private static let files = ["model.safetensors", "optimizer.safetensors", "state.safetensors"]

    private func digests(_ scratch: Scratch, _ run: String) throws -> [String] {
        try Self.files.map { try scratch.digest(ofRun: run, $0) }
    }

    private func expectEnd(_ program: RunningProgram, _ code: Int32 = 0, seconds: Double = 60) {
        let ending = program.wait(seconds: seconds)
        #expect(ending.code == code, "\(ending)")
    }

    /// A whole run in one server with one worker, undisturbed.
    private func finish(_ scratch: Scratch, _ run: String) throws {
        let cluster = try SmallCluster(scratch, run: run, workers: 1)
        expectEnd(cluster.server)
        for worker in cluster.workers { expectEnd(worker) }
    }

    @Test("neither the number of partitions nor that of workers changes a bit of a checkpoint")
    func sameBits() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(model: ", dropout: 0.1"), to: "config.yaml")
        var found: Set<[String]> = []
        for partitions in [1, 2, 4] {
            for workers in 1...3 {
                let run = "run\(partitions)-\(workers)"
                let cluster = try SmallCluster(
                    scratch, run: run, workers: workers,
                    partitionServers: PartitionProgram.start(partitions - 1, scratch))
                expectEnd(cluster.server)
                for partition in cluster.partitionServers { expectEnd(partition.program) }
                for worker in cluster.workers { expectEnd(worker) }
                found.insert(try digests(scratch, run))
            }
        }
        #expect(found.count == 1, "\(found)")
    }

    @Test("an embedding whose rows are divided among partitions is updated as a whole one")
    func dividedEmbedding() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 100)
        // 19 symbols of 16,384 features: one chunk has 16 of the rows, the next one the others.
        try scratch.write(
            """
            task: language-model
            data: {train: corpus.txt, validation: 0.1, tokenizer: characters}
            model: {cell: gru, layers: 1, hidden: 8, embedding: 16384}
            training: {epochs: 1, steps: 8, batch: 4, sequence: 16, shards: 4, clip: 0.5}
            """, to: "config.yaml")
        let found = try [1, 3].map { partitions in
            let run = "run\(partitions)"
            let cluster = try SmallCluster(
                scratch, run: run, workers: 2, partitionServers: PartitionProgram.start(partitions - 1, scratch))
            expectEnd(cluster.server)
            return try scratch.digest(ofRun: run)
        }
        #expect(Set(found).count == 1)
    }

    @Test("a run that was stopped with four partitions goes on with one, and then with three")
    func shapesChange() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try finish(scratch, "quiet")
        for (index, (partitions, step)) in [(4, 8), (1, 30), (3, nil)].enumerated() {
            let cluster = try SmallCluster(
                scratch, run: "moved", workers: 2, resumes: index > 0,
                partitionServers: PartitionProgram.start(partitions - 1, scratch))
            if let step {
                try cluster.waitForStep(step)
                cluster.server.signal(SIGTERM)
            }
            expectEnd(cluster.server, step == nil ? 0 : 130)
            for partition in cluster.partitionServers { expectEnd(partition.program) }
        }
        #expect(try digests(scratch, "moved") == digests(scratch, "quiet"))
    }

    @Test("a partition server that is killed, or hangs, ends the primary's life; the next one ends with the same bits")
    func partitionDies() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try finish(scratch, "quiet")
        var partitions = try PartitionProgram.start(2, scratch)
        let first = try SmallCluster(scratch, run: "run", workers: 2, partitionServers: partitions)
        try first.waitForStep(15)
        partitions[0].program.signal(SIGKILL)
        let killed = first.server.wait(seconds: 20)
        #expect(killed.code == 75 && killed.errors.contains(partitions[0].endpoint), "\(killed)")
        partitions[0] = try PartitionProgram(scratch)
        // The workers of the first life look for a server where it was.
        let second = try SmallCluster(
            scratch, run: "run", resumes: true, bind: first.endpoint, partitionServers: partitions)
        try second.waitForStep(30)
        partitions[1].program.signal(SIGSTOP)
        let silent = second.server.wait(seconds: 20)
        #expect(silent.code == 75 && silent.errors.contains(partitions[1].endpoint), "\(silent)")
        partitions[1].program.signal(SIGCONT)
        let third = try SmallCluster(
            scratch, run: "run", resumes: true, bind: first.endpoint, partitionServers: partitions)
        expectEnd(third.server)
        for worker in first.workers { expectEnd(worker) }
        for partition in partitions { expectEnd(partition.program) }
        #expect(try digests(scratch, "run") == digests(scratch, "quiet"))
    }

    @Test("the next life of a primary that was killed takes its partition servers over")
    func primaryDies() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try finish(scratch, "quiet")
        let partitions = try PartitionProgram.start(1, scratch)
        let first = try SmallCluster(scratch, run: "run", workers: 2, partitionServers: partitions)
        try first.waitForStep(17)
        first.server.signal(SIGKILL)
        _ = first.server.wait()
        let second = try SmallCluster(
            scratch, run: "run", resumes: true, bind: first.endpoint, partitionServers: partitions)
        expectEnd(second.server)
        for worker in first.workers { expectEnd(worker) }
        #expect(try digests(scratch, "run") == digests(scratch, "quiet"))
    }

    @Test("a snapshot that is pulled from a divided run is the version that an undivided one has")
    func pulls() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 3000)
        try scratch.write(smallConfiguration(training: ", steps: 100000, validate: 20"), to: "config.yaml")
        let cluster = try SmallCluster(
            scratch, run: "run", workers: 2, partitionServers: PartitionProgram.start(3, scratch))
        try cluster.waitForStep(5)
        let status = try scratch.run(.rondo, "status", cluster.endpoint)
        for partition in cluster.partitionServers { #expect(status.output.contains(partition.endpoint), "\(status)") }
        let pull = try scratch.run(.rondo, "pull", cluster.endpoint, "--output", "pulled")
        #expect(pull.code == 0, "\(pull)")
        cluster.server.signal(SIGTERM)
        expectEnd(cluster.server, 130)
        let record = try JSONSerialization.jsonObject(with: Data(contentsOf: scratch.url("pulled/run.json")))
        let step = try #require((record as? [String: Any])?["step"] as? Int)
        try scratch.write(smallConfiguration(training: ", steps: \(step), validate: 20"), to: "config.yaml")
        try finish(scratch, "alone")
        #expect(try scratch.digest(ofFile: "pulled/model.safetensors") == scratch.digest(ofRun: "alone"))
    }

    @Test("under rondo train a partition server that dies or hangs is replaced, and the run ends with the same bits")
    func supervisedDeath() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 3000)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        try finish(scratch, "quiet")
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--workers", "2", "--partitions", "3", "--output", "run"], in: scratch)
        for (name, signal) in [("partition-1", SIGKILL), ("partition-2", SIGSTOP)] {
            usleep(1_500_000)
            for process in try processes(mentioning: name, parent: train.process) { kill(process, signal) }
        }
        let ending = train.wait()
        #expect(ending.code == 0, "\(ending)")
        // Whose end the supervisor sees first is a matter of milliseconds.
        let isTold = ["partition-1 ended by signal 9", "the server ended by exit code 75"].contains {
            ending.errors.contains($0)
        }
        #expect(isTold, "\(ending)")
        #expect(try digests(scratch, "run") == digests(scratch, "quiet"))
        #expect(try processes(mentioning: scratch.folder.path).isEmpty)
    }

    @Test("SIGTERM, and SIGKILL of the supervisor, leave no process of a divided run", arguments: [SIGTERM, SIGKILL])
    func nobodyStays(signal: Int32) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(
            smallConfiguration().replacingOccurrences(of: "epochs: 2", with: "epochs: 100000"), to: "config.yaml")
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--workers", "1", "--partitions", "3", "--output", "run"], in: scratch)
        let deadline = Date().addingTimeInterval(30)
        var children: [Int32] = []
        while children.count < 4, Date() < deadline {
            children = try processes(mentioning: "rondo-", parent: train.process)
            usleep(20_000)
        }
        #expect(children.count == 4)
        sleep(1)
        train.signal(signal)
        expectEnd(train, signal == SIGTERM ? 130 : -SIGKILL)
        let end = Date().addingTimeInterval(15)
        while children.contains(where: { kill($0, 0) == 0 }), Date() < end { usleep(50_000) }
        #expect(!children.contains { kill($0, 0) == 0 })
    }

    @Test("partition servers that are too many, absent, busy or wrongly called: one line that says so")
    func mistakes() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        func expect(_ ending: Ending, _ code: Int32, _ words: String...) {
            #expect(ending.code == code, "\(ending)")
            for word in words { #expect(ending.errors.contains(word), "no '\(word)' in \(ending)") }
        }
        let many = try RunningProgram(
            .rondo, ["train", "config.yaml", "--partitions", "40", "--output", "run"], in: scratch)
        expect(many.wait(), 64, "--partitions 40", "at most 11")
        expect(try scratch.run(.rondo, "train", "config.yaml", "--partitions", "0"), 64, "--partitions")
        expect(try scratch.run(.server, "config.yaml", "--partition"), 64, "--partition")
        expect(try scratch.run(.server), 64, "config")
        expect(
            try scratch.run(.server, "config.yaml", "--output", "run", "--partition-server", "nonsense"), 64, "nonsense"
        )
        let serve = ["config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "absent", "--partition-server"]
        expect(
            try RunningProgram(.server, serve + ["tcp://127.0.0.1:9"], in: scratch).wait(seconds: 30), 69,
            "tcp://127.0.0.1:9", "10 s", "--partition")
        let partitions = try PartitionProgram.start(1, scratch)
        let cluster = try SmallCluster(scratch, run: "busy", partitionServers: partitions)
        expect(
            try RunningProgram(.server, serve + [partitions[0].endpoint], in: scratch).wait(seconds: 30), 69,
            partitions[0].endpoint, "primary is alive")
        #expect(cluster.server.isRunning, "the stranger did no harm")
        cluster.server.signal(SIGTERM)
        expectEnd(cluster.server, 130)
        expectEnd(partitions[0].program)
    }
}
