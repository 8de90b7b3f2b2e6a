// Promise 1: the weights do not depend on the cluster.

import Foundation
import Testing

@Suite("the same bits on any cluster", .serialized)
struct SameBitsTests {
    @Test("one, two and three workers, and one of another instruction set, end with byte-identical weights")
    func anyNumberOfWorkers() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(model: ", dropout: 0.2"), to: "config.yaml")
        var digests: [String] = []
        for workers in 1...3 {
            let cluster = try SmallCluster(scratch, run: "run\(workers)", workers: workers)
            let ending = cluster.server.wait()
            #expect(ending.code == 0, "\(ending)")
            for worker in cluster.workers {
                let ending = worker.wait()
                #expect(ending.code == 0, "\(ending)")
            }
            digests.append(try scratch.digest(ofRun: "run\(workers)"))
        }
        for (index, set) in ["portable", "avx2"].enumerated() {
            let probe = try scratch.run(.rondo, "--version", environment: ["RONDO_ISA": set])
            guard probe.code == 0 else { continue }
            let cluster = try SmallCluster(
                scratch, run: "set\(index)", workers: 2, environments: [["RONDO_ISA": set]])
            #expect(cluster.server.wait(seconds: 300).code == 0)
            digests.append(try scratch.digest(ofRun: "set\(index)"))
        }
        #expect(Set(digests).count == 1, "\(digests)")
    }

    @Test(
        "shared memory, messages, and both at once carry the same bits, in each precision",
        arguments: ["single", "bfloat16"])
    func anyTransport(precision: String) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(training: ", precision: \(precision)"), to: "config.yaml")
        let clusters: [[[String]]] = [
            [[]], [["--no-shared-memory"]], [[], ["--no-shared-memory"]], [["--no-shared-memory"], [], []],
        ]
        var digests: [String] = []
        for (index, arguments) in clusters.enumerated() {
            let run = "run\(index)"
            let cluster = try SmallCluster(scratch, run: run, workers: arguments.count, workerArguments: arguments)
            let ending = cluster.server.wait()
            #expect(ending.code == 0, "\(ending)")
            digests.append(try scratch.digest(ofRun: run))
        }
        #expect(Set(digests).count == 1, "\(digests)")
    }

    @Test(
        "sequences, words, GRU and Elman cells depend no more on the number of workers",
        arguments: [
            smallConfiguration(cell: "gru", data: ", shape: sequences"),
            smallConfiguration(cell: "elman", data: "").replacingOccurrences(of: "characters", with: "words"),
            smallConfiguration(cell: "lstm", data: ", shape: sequences").replacingOccurrences(
                of: "characters", with: "bytes"),
        ])
    func otherShapes(configuration: String) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(configuration, to: "config.yaml")
        let digests = try [1, 3].map { workers in
            let cluster = try SmallCluster(scratch, run: "run\(workers)", workers: workers)
            let ending = cluster.server.wait()
            #expect(ending.code == 0, "\(ending)")
            return try scratch.digest(ofRun: "run\(workers)")
        }
        #expect(Set(digests).count == 1)
    }

    @Test("workers that are killed and join in mid-run change no bit")
    func workersComeAndGo() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)
        let cluster = try SmallCluster(scratch, run: "stormy", workers: 2)
        try cluster.waitForStep(5)
        cluster.workers[0].signal(SIGKILL)
        try cluster.addWorker()
        try cluster.waitForStep(20)
        cluster.workers[1].signal(SIGTERM)
        #expect(cluster.workers[1].wait().code == 0)
        let ending = cluster.server.wait()
        #expect(ending.code == 0, "\(ending)")
        #expect(try scratch.digest(ofRun: "stormy") == scratch.digest(ofRun: "quiet"))
    }

    @Test("a worker that dies in its first lease leaves the states of its shards with the one that had them before")
    func diesInFirstLease() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 3000)
        try scratch.write(smallConfiguration(model: ", dropout: 0.1"), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)
        let cluster = try SmallCluster(scratch, run: "stormy", workers: 1)
        for attempt in 0..<6 {
            try cluster.waitForStep(10 + 20 * attempt)
            let guest = try cluster.addWorker()
            // Somewhere around its first leases.
            usleep(UInt32(30_000 + 7_000 * attempt))
            guest.signal(SIGKILL)
        }
        let ending = cluster.server.wait()
        #expect(ending.code == 0, "\(ending)")
        let survivor = cluster.workers[0].wait()
        #expect(survivor.code == 0, "\(survivor)")
        #expect(try scratch.digest(ofRun: "stormy") == scratch.digest(ofRun: "quiet"))
    }

    @Test(
        "a server that is stopped or killed at any step, and resumed, ends with the same bits",
        arguments: [SIGTERM, SIGKILL])
    func serverStops(signal: Int32) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1500)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)
        for step in [3, 17] {
            let run = "stopped-\(signal)-\(step)"
            let first = try SmallCluster(scratch, run: run, workers: 2)
            try first.waitForStep(step)
            first.server.signal(signal)
            let ending = first.server.wait()
            #expect(ending.code == (signal == SIGTERM ? 130 : -SIGKILL), "\(ending)")
            for worker in first.workers { worker.signal(SIGKILL) }
            let second = try SmallCluster(scratch, run: run, workers: 1, resumes: true)
            let resumed = second.server.wait()
            #expect(resumed.code == 0, "\(resumed)")
            #expect(try scratch.digest(ofRun: run) == scratch.digest(ofRun: "quiet"), "stopped at step \(step)")
        }
    }
}
