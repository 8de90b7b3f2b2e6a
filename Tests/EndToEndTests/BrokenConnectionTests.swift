// A connection between a worker and its server breaks, and neither of them dies.

import Foundation
import Glibc
import Synchronization
import Testing

@Suite("broken connections", .serialized)
struct BrokenConnectionTests {
    @Test("a worker whose connection breaks again and again goes on, with and without keys, to the same bits")
    func brokenAgainAndAgain() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 800)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "quiet", workers: 1)
        #expect(quiet.server.wait().code == 0)
        for name in ["server", "worker"] { #expect(try scratch.run(.rondo, "keygen", name).code == 0) }
        try scratch.write(try String(contentsOfFile: scratch.path("worker.pub"), encoding: .utf8), to: "allowed")
        for isEncrypted in [false, true] {
            let run = isEncrypted ? "secret" : "plain"
            let server = try RunningProgram(
                .server,
                [
                    "config.yaml", "--bind", "tcp://127.0.0.1:*", "--output", run, "--endpoint-file", "\(run).endpoint",
                ] + (isEncrypted ? ["--key", "server.key", "--allow", "allowed"] : []), in: scratch)
            let endpoint = try server.endpoint(from: scratch.path("\(run).endpoint"))
            let relay = try Relay(to: try #require(endpoint.split(separator: ":").last.flatMap { UInt16($0) }))
            let worker = try RunningProgram(
                .worker,
                ["--connect", "tcp://127.0.0.1:\(relay.port)", "--no-shared-memory"]
                    + (isEncrypted ? ["--key", "worker.key", "--server-key", "server.pub"] : []), in: scratch)
            // The first cut must not come before the worker knows the server; after that they may.
            let deadline = Date().addingTimeInterval(60)
            while !worker.errors.contains("first gradients"), worker.isRunning, Date() < deadline { usleep(10_000) }
            for _ in 0..<3 where server.isRunning {
                relay.cut()
                usleep(1_200_000)
            }
            let ending = server.wait(seconds: 90)
            #expect(ending.code == 0, "\(ending)\n\(worker.errors)")
            let last = worker.wait(seconds: 30)
            #expect(last.code == 0, "\(last)")
            #expect(relay.cuts > 0, "the run was over before the connection broke")
            #expect(try scratch.digest(ofRun: run) == scratch.digest(ofRun: "quiet"))
        }
    }
}

/// Stands between a worker and a server, passes on what comes, and can break all connections at once.
private final class Relay: Sendable {
    let port: UInt16
    private let listener: Int32
    private let target: UInt16
    private let connections = Mutex<Set<Int32>>([])
    private let cutCount = Atomic<Int>(0)

    /// Connections that were broken.
    var cuts: Int { cutCount.load(ordering: .relaxed) }

    init(to target: UInt16) throws {
        self.target = target
        listener = Self.socket()
        try #require(listener >= 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isBound)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in accept() }
    }

    /// Breaks all connections.
    func cut() {
        connections.withLock { open in
            for descriptor in open {
                shutdown(descriptor, Int32(SHUT_RDWR))
                cutCount.add(1, ordering: .relaxed)
            }
        }
    }

    /// A socket that no program which the test starts inherits.
    private static func socket() -> Int32 {
        Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Takes connections for as long as the process lives: it is a test's.
    private func accept() {
        while true {
            let near = Glibc.accept(listener, nil, nil)
            guard near >= 0 else { return }
            _ = fcntl(near, F_SETFD, FD_CLOEXEC)
            let far = Self.socket()
            var address = Self.loopback(target)
            let isConnected = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isConnected else {
                close(near)
                close(far)
                continue
            }
            var yes: Int32 = 1
            for descriptor in [near, far] {
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
            }
            connections.withLock { $0.formUnion([near, far]) }
            let halves = Pair()
            for (from, to) in [(near, far), (far, near)] {
                Thread.detachNewThread { [self] in pass(from, to, halves, [near, far]) }
            }
        }
    }

    /// One direction, until either end is over; the second one to end closes both.
    private func pass(_ from: Int32, _ to: Int32, _ halves: Pair, _ both: [Int32]) {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(from, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let some = bytes[sent..<count].withUnsafeBytes {
                    send(to, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard some > 0 else { break }
                sent += some
            }
            guard sent == count else { break }
        }
        for descriptor in both { shutdown(descriptor, Int32(SHUT_RDWR)) }
        guard halves.isSecond() else { return }
        connections.withLock { $0.subtract(both) }
        for descriptor in both { close(descriptor) }
    }
}

/// Tells the second of two.
private final class Pair: Sendable {
    private let count = Atomic<Int>(0)
    func isSecond() -> Bool { count.add(1, ordering: .relaxed).newValue == 2 }
}
