// A server that lies to a worker about files.

import Configuration
import Corpora
import Foundation
import Logging
import Messaging
import Platform
import Testing
import WireProtocol

@testable import Worker

/// A ROUTER that answers every hello with one welcome, and notes what it is asked for.
private final class LyingServer: Sendable {
    let endpoint: Endpoint
    private let context: Context

    init(_ welcome: WireWelcome) throws {
        let context = try Context()
        self.context = context
        let ready = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var bound: Endpoint?
        Thread.detachNewThread {
            guard let socket = try? Socket(.router, in: context) else {
                ready.signal()
                return
            }
            bound = try? socket.bind("tcp://127.0.0.1:*")
            ready.signal()
            while var message = try? socket.receiveMultipart() {
                guard let name = message.popFirst(), let head = message.popFirst(),
                    case .hello? = (try? head.withUnsafeBytes { try WireHeader.decode($0) })?.body
                else { continue }
                let header = WireHeader(run: "r", incarnation: 1, body: .welcome(welcome))
                try? socket.send(FrameList(Frame(copying: header.encoded())), to: RoutingIdentifier(name))
            }
        }
        ready.wait()
        endpoint = try #require(bound)
    }

    deinit { context.shutDown() }
}

@Suite("lying servers", .serialized)
struct LyingServerTests {
    private func welcome(path: String, bytes: UInt64) throws -> WireWelcome {
        let run = try RunConfiguration(
            yaml: """
                task: language-model
                data: {train: corpus.txt, validation: 0}
                training: {batch: 1, sequence: 1, shards: 1}
                """, file: "run.yaml")
        var welcome = WireWelcome()
        welcome.configurationJson = .init(run.json())
        welcome.tokenizerJson = .init(Tokenizer(bytesWithEndOfSequence: false).json())
        var file = WireDataFile()
        (file.name, file.path, file.bytes, file.sha256) = ("training", path, bytes, "00")
        welcome.files = [file]
        return welcome
    }

    private func work(_ welcome: WireWelcome, directories: [String] = []) throws -> (error: String, seconds: Double) {
        let server = try LyingServer(welcome)
        let began = Date()
        let options = WorkerOptions(
            endpoint: server.endpoint, name: "w", dataDirectories: directories, patienceSeconds: 2, sharesMemory: false)
        var words = ""
        do {
            try TrainingWorker(options, logger: Logger(label: "w") { _ in SwiftLogNoOpLogHandler() }).run()
        } catch { words = "\(error)" }
        return (words, Date().timeIntervalSince(began))
    }

    @Test("data of 2^60 bytes end in one line at once, and nothing is written")
    func hugeData() throws {
        let before = try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory()).filter {
            $0.hasSuffix(".tokens")
        }
        let (error, seconds) = try work(try welcome(path: "training.tokens", bytes: 1 << 60))
        #expect(error.contains("announces 1152921504606846976 bytes") && error.contains("TMPDIR"))
        #expect(seconds < 5)
        let after = try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory()).filter {
            $0.hasSuffix(".tokens")
        }
        #expect(after.count <= before.count)
    }

    @Test("a pipe that the server names, inside or outside of the given folders, hangs nobody")
    func pipes() throws {
        let scratch = try Scratch()
        let pipe = "\(scratch.path)/training.tokens"
        #expect(mkfifo(pipe, 0o600) == 0)
        for directories in [[], [scratch.path]] {
            let (error, seconds) = try work(try welcome(path: pipe, bytes: 1 << 60), directories: directories)
            #expect(error.contains("announces"), "\(error)")
            #expect(seconds < 5)
        }
    }
}
