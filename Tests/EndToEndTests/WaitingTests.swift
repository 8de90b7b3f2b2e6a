// Nobody waits for ever, and whoever waits says for whom.

import Foundation
import Testing

/// A port of this machine that behaves as a test wants it to.
private final class StrangePort {
    enum Kind {
        /// Takes no connection and refuses none, as a firewall would have it.
        case silent
        /// Takes connections, and greets in another protocol.
        case foreign
    }

    let endpoint: String
    private var descriptors: [Int32] = []

    init(_ kind: Kind) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                try #require(bind(listener, address, length) == 0 && listen(listener, kind == .silent ? 0 : 20) == 0)
                try #require(getsockname(listener, address, &length) == 0)
            }
        }
        endpoint = "tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        descriptors = [listener]
        switch kind {
        case .silent:
            // Nobody accepts: once the queue is full the system drops further attempts without a word.
            for _ in 0..<4 {
                let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
                _ = fcntl(client, F_SETFL, O_NONBLOCK)
                withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(client, $0, length) }
                }
                descriptors.append(client)
            }
        case .foreign:
            Thread.detachNewThread {
                while case let client = accept(listener, nil, nil), client >= 0 {
                    let text = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
                    _ = text.withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
                    close(client)
                }
            }
        }
    }

    deinit {
        shutdown(descriptors[0], Int32(SHUT_RDWR))
        for descriptor in descriptors { close(descriptor) }
    }
}

@Suite("waiting", .serialized)
struct WaitingTests {
    private func expect(
        _ ending: Ending, _ code: Int32, within seconds: Double, _ words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(ending.code == code, "\(ending)", sourceLocation: sourceLocation)
        #expect(ending.seconds < seconds, "\(ending)", sourceLocation: sourceLocation)
        for word in words {
            #expect(ending.errors.contains(word), "no '\(word)' in: \(ending)", sourceLocation: sourceLocation)
        }
    }

    private func scratchRun() throws -> Scratch {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        return scratch
    }

    @Test("clients and workers say within seconds whether a port refuses, is silent, or speaks another protocol")
    func unreachable() throws {
        let scratch = try scratchRun()
        let (silent, foreign) = (try StrangePort(.silent), try StrangePort(.foreign))
        let cases = [
            ("tcp://127.0.0.1:9", "nobody listens", "nothing listens"),
            (silent.endpoint, "firewall", "firewall"), (foreign.endpoint, "does not speak", "does not speak"),
        ]
        for (endpoint, ofClient, ofWorker) in cases {
            for command in [["status"], ["pull", "--output", "pulled"], ["monitor"]] {
                let words = [command[0], endpoint] + command.dropFirst()
                expect(
                    try RunningProgram(.rondo, words, in: scratch).wait(), 69, within: 10, endpoint, ofClient)
            }
            let worker = try RunningProgram(.worker, ["--connect", endpoint, "--patience", "6"], in: scratch)
            // Said while it goes on trying, and at its end.
            let deadline = Date().addingTimeInterval(8)
            while !worker.errors.contains(ofWorker), worker.isRunning, Date() < deadline { usleep(20_000) }
            #expect(worker.isRunning, "told only at the end: \(worker.errors)")
            expect(worker.wait(), 69, within: 20, endpoint, ofWorker)
        }
    }

    @Test("a port or a directory that a server has: its process id is named")
    func taken() throws {
        let scratch = try scratchRun()
        let cluster = try SmallCluster(scratch, run: "run")
        let holder = "process id \(cluster.server.process)"
        let arguments = ["config.yaml", "--output", "run", "--resume", "--bind"]
        expect(
            try RunningProgram(.server, arguments + [cluster.endpoint], in: scratch).wait(), 69, within: 10, "in use",
            holder)
        expect(
            try RunningProgram(.server, arguments + ["tcp://127.0.0.1:*"], in: scratch).wait(), 64, within: 10,
            "another server is running there", holder)
        // A stranger's port: nothing is said of a server.
        let foreign = try StrangePort(.foreign)
        let other = try RunningProgram(
            .server, ["config.yaml", "--output", "other", "--bind", foreign.endpoint], in: scratch
        ).wait()
        expect(other, 69, within: 10, "in use")
        #expect(!other.errors.contains("process id"))
        #expect(cluster.server.isRunning)
        // What a killed server leaves behind is not taken for a living one.
        cluster.server.signal(SIGKILL)
        _ = cluster.server.wait()
        let next = try SmallCluster(scratch, run: "run", resumes: true)
        next.server.signal(SIGTERM)
        #expect(next.server.wait().code == 130)
    }

    @Test("a server without workers says so, in its status too, and ends in order when its patience is over")
    func solitude() throws {
        let scratch = try scratchRun()
        let server = try RunningProgram(
            .server,
            [
                "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run", "--endpoint-file", "endpoint",
                "--patience", "3",
            ], in: scratch)
        let endpoint = try server.endpoint(from: scratch.path("endpoint"))
        let status = try scratch.run(.rondo, "status", endpoint)
        #expect(status.output.contains("waiting for  a worker"), "\(status)")
        expect(server.wait(), 69, within: 15, "no worker has joined for 3 s", "--patience")
        let partition = try RunningProgram(
            .server, ["--partition", "--bind", "tcp://127.0.0.1:*", "--patience", "2"], in: scratch)
        expect(partition.wait(), 69, within: 15, "no server has asked", "--patience")
    }

    @Test("a server whose workers have all gone keeps what they have done, and goes on from it")
    func abandonment() throws {
        let scratch = try scratchRun()
        let long = smallConfiguration().replacingOccurrences(of: "epochs: 2", with: "steps: 100000000")
        try scratch.write(long, to: "config.yaml")
        let arguments = [
            "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", "run", "--endpoint-file", "endpoint",
        ]
        let server = try RunningProgram(.server, arguments + ["--patience", "4"], in: scratch)
        let endpoint = try server.endpoint(from: scratch.path("endpoint"))
        let worker = try RunningProgram(.worker, ["--connect", endpoint], in: scratch)
        let deadline = Date().addingTimeInterval(30)
        while !server.errors.contains("worker joined"), Date() < deadline { usleep(20_000) }
        sleep(1)
        worker.signal(SIGKILL)
        expect(server.wait(), 69, within: 60, "all workers have been gone", "--resume")
        #expect(FileManager.default.fileExists(atPath: scratch.path("run/checkpoints/latest/model.safetensors")))
    }
}
