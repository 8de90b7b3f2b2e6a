// Where a worker gets the run's data from: its own disk if the same are there, else the server.

import Configuration
import Corpora
import Foundation
import Logging
import Messaging
import Platform
import WireProtocol

/// The data that a welcome describes.
struct DataSource {
    private let welcome: WireWelcome
    private let directory: String?
    private let logger: Logger

    init(_ welcome: WireWelcome, directory: String?, logger: Logger) {
        self.welcome = welcome
        self.directory = directory
        self.logger = logger
    }

    /// Everything that a worker needs before it can compute.
    struct Prepared {
        var configuration: RunConfiguration
        var tokenizer: Tokenizer
        var training: MappedTokens
        var validation: MappedTokens?
    }

    /// Why the data did not come: no fault of theirs.
    enum Interruption: Error {
        /// The process was asked to end.
        case askedToLeave
        /// The server did not answer, or has nothing to do with this worker any more: connect anew.
        case serverSilent(String)
    }

    /// Opens the data, or fetches them first.
    ///
    /// - Throws: `WorkerError.data` when what came is not what the server described.
    func prepare(over connection: ServerConnection) throws -> Prepared {
        let configuration: RunConfiguration
        let tokenizer: Tokenizer
        do {
            configuration = try RunConfiguration(json: [UInt8](welcome.configurationJson))
            tokenizer = try Tokenizer(json: [UInt8](welcome.tokenizerJson))
        } catch {
            throw WorkerError.data("the server's configuration cannot be read: \(error)")
        }
        var tokens: [String: MappedTokens] = [:]
        for file in welcome.files { tokens[file.name] = try open(file, over: connection) }
        guard let training = tokens["training"] else { throw WorkerError.data("the server offers no training data") }
        return Prepared(
            configuration: configuration, tokenizer: tokenizer, training: training, validation: tokens["validation"])
    }

    private func open(_ file: WireDataFile, over connection: ServerConnection) throws -> MappedTokens {
        let name = file.path.split(separator: "/").last.map(String.init) ?? file.name
        let candidates = [directory.map { $0 + "/" + name }, file.path].compactMap { $0 }
        for path in candidates {
            guard StandIn.current?.canRead(path) ?? true, let tokens = try? MappedTokens(path: path) else { continue }
            if tokens.sha256() == file.sha256 { return tokens }
            logger.warning("other data than the run's", metadata: ["path": "\(path)"])
        }
        return try fetch(file, over: connection)
    }

    /// The next message, awaited in short pieces.
    private func next(
        over connection: ServerConnection, awaiting what: String
    ) throws -> ServerConnection.Incoming {
        let deadline = MonotonicClock.seconds + 10
        while MonotonicClock.seconds < deadline {
            if TerminationSignal.received != nil { throw Interruption.askedToLeave }
            if let message = try connection.receive(withinMilliseconds: 100) { return message }
        }
        throw Interruption.serverSilent("the server did not send \(what) within 10 s")
    }

    /// Asks for the file block by block, a few at once, into a file that disappears with the process.
    private func fetch(_ file: WireDataFile, over connection: ServerConnection) throws -> MappedTokens {
        logger.notice("fetching data", metadata: ["name": "\(file.name)", "bytes": "\(file.bytes)"])
        let path = NSTemporaryDirectory() + "/rondo-\(UUID().uuidString)-\(file.name).tokens"
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw WorkerError.data("\(path): cannot be written") }
        defer {
            try? handle.close()
            try? FileManager.default.removeItem(atPath: path)
        }
        let block = UInt64(WireLimits.tensorFrameBytesMaximum)
        var requested: UInt64 = 0
        var received: UInt64 = 0
        while received < file.bytes {
            while requested < file.bytes, requested - received < 8 * block {
                var request = WireDataRequest()
                request.name = file.name
                request.offset = requested
                request.bytes = UInt32(min(block, file.bytes - requested))
                try connection.send(.dataRequest(request))
                requested += UInt64(request.bytes)
            }
            var message = try next(over: connection, awaiting: "block \(received / block) of \(file.name)")
            guard case .dataBlock(let answer)? = message.header?.body else {
                throw Interruption.serverSilent("the server answered something else than data")
            }
            // One that came twice.
            if answer.name != file.name || answer.offset < received { continue }
            guard answer.offset == received, let frame = message.frames.popFirst(),
                frame.count > 0
            else { throw WorkerError.data("the server sent another block of \(file.name) than was asked for") }
            try handle.write(contentsOf: frame.bytes())
            received += UInt64(frame.count)
        }
        try handle.synchronize()
        let tokens = try MappedTokens(path: path)
        guard tokens.sha256() == file.sha256 else {
            throw WorkerError.data("\(file.name): what came from the server has another SHA-256 than it announced")
        }
        return tokens
    }
}
