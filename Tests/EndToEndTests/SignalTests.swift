// Signals that terminals, service managers and batch systems send, and streams that are closed.

import Foundation
import Testing

@Suite("signals and streams", .serialized)
struct SignalTests {
    private func scratchRun() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        let long = smallConfiguration().replacingOccurrences(of: "epochs: 2", with: "steps: 100000000")
            .replacingOccurrences(of: "every: 10,", with: "every: 1000000,")
        try scratch.write(long, to: "config.yaml")
        return scratch
    }

    @Test(
        "a server ends with a checkpoint and 130 when the terminal closes or a batch system warns it",
        arguments: [SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGXCPU])
    func server(signal: Int32) throws {
        let scratch = try scratchRun()
        let cluster = try SmallCluster(scratch, run: "run", workers: 1)
        try cluster.waitForStep(3)
        cluster.server.signal(signal)
        let ending = cluster.server.wait(seconds: 30)
        #expect(ending.code == 130, "\(ending)")
        #expect(FileManager.default.fileExists(atPath: scratch.path("run/checkpoints/latest/model.safetensors")))
        #expect(cluster.workers[0].wait(seconds: 30).code == 0)
    }

    @Test("rondo train takes the same signals in order", arguments: [SIGHUP, SIGUSR1])
    func train(signal: Int32) throws {
        let scratch = try scratchRun()
        let train = try RunningProgram(.rondo, ["train", "config.yaml", "--output", "run"], in: scratch)
        let endpoint = try train.endpoint(from: scratch.path("run/endpoint"))
        try scratch.waitForStep(3, at: endpoint)
        train.signal(signal)
        // A service manager's SIGHUP behind it is no second wish.
        train.signal(SIGHUP)
        let ending = train.wait(seconds: 60)
        #expect(ending.code == 130 && ending.errors.contains("the same command continues"), "\(ending)")
        #expect(FileManager.default.fileExists(atPath: scratch.path("run/checkpoints/latest/model.safetensors")))
    }

    @Test("a worker leaves in order at the same signals", arguments: [SIGHUP, SIGUSR1, SIGXCPU])
    func worker(signal: Int32) throws {
        let scratch = try scratchRun()
        let cluster = try SmallCluster(scratch, run: "run", workers: 2)
        try cluster.waitForStep(3)
        cluster.workers[0].signal(signal)
        #expect(cluster.workers[0].wait(seconds: 30).code == 0)
        let deadline = Date().addingTimeInterval(10)
        while !cluster.server.errors.contains("worker left"), Date() < deadline { usleep(20_000) }
        #expect(cluster.server.errors.contains("worker left"))
        cluster.server.signal(SIGTERM)
        #expect(cluster.server.wait(seconds: 30).code == 130)
    }

    @Test("a partition server that is asked to end waits for a checkpoint; asked all at once, the run is interrupted")
    func partitions() throws {
        let scratch = try scratchRun()
        for isAlone in [true, false] {
            let partitions = try PartitionProgram.start(1, scratch)
            let cluster = try SmallCluster(
                scratch, run: "run-\(isAlone)", workers: 1, partitionServers: partitions)
            try cluster.waitForStep(3)
            partitions[0].program.signal(SIGUSR1)
            if !isAlone { cluster.server.signal(SIGUSR1) }
            let ending = cluster.server.wait(seconds: 30)
            #expect(ending.code == (isAlone ? 75 : 130), "\(ending)")
            #expect(partitions[0].program.wait(seconds: 30).code == 130)
            #expect(
                FileManager.default.fileExists(
                    atPath: scratch.path("run-\(isAlone)/checkpoints/latest/model.safetensors")))
        }
    }

    @Test("nohup keeps a server alive when the terminal closes")
    func nohup() throws {
        let scratch = try scratchRun()
        let ending = try scratch.shell(
            """
            nohup "$R/rondo-server" config.yaml --output run --bind tcp://127.0.0.1:* --endpoint-file end 2>log &
            until [ -s end ]; do sleep 0.05; done
            kill -HUP $!; sleep 0.5; kill -HUP $!; sleep 0.3
            kill -0 $! && kill -TERM $! && wait $!
            """)
        #expect(ending.code == 130, "\(ending)")
    }

    @Test(
        "a complete run is complete, though standard output, error or input is closed or full",
        arguments: [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full", "| true"])
    func closed(redirection: String) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 60)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let ending = try scratch.shell(
            """
            set -o pipefail
            "$R/rondo" train config.yaml --output run --workers 1 \(redirection)
            """)
        #expect(ending.code == 0, "\(ending)")
        let record = try String(contentsOf: scratch.url("run/end.json"), encoding: .utf8)
        #expect(record.contains("completed"))
    }

    @Test("a result that cannot be written is a failure that names the reason")
    func lostResult() throws {
        let scratch = try Scratch()
        for (redirection, words) in [(">&-", "Bad file descriptor"), (">/dev/full", "No space left")] {
            let ending = try scratch.shell("\"$R/rondo\" --version \(redirection)")
            #expect(ending.code == 74 && ending.errors.contains(words), "\(ending)")
        }
    }
}
