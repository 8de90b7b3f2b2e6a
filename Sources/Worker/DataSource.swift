// Where a worker gets the run's data from: its own disk if the same are there, else the server.

import Configuration
import Corpora
import Foundation
import Logging
import Messaging
import Platform
import WireProtocol

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The data that a welcome describes.
struct DataSource {
    private let welcome: WireWelcome
    private let directories: [String]
    private let logger: Logger

    init(_ welcome: WireWelcome, directories: [String], logger: Logger) {
        self.welcome = welcome
        self.directories = directories
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
        guard welcome.files.count <= 2, Set(welcome.files.map(\.name)).isSubset(of: ["training", "validation"]) else {
            throw WorkerError.data("the server offers other files than training and validation data")
        }
        for file in welcome.files { tokens[file.name] = try open(file, over: connection) }
        guard let training = tokens["training"] else { throw WorkerError.data("the server offers no training data") }
        return Prepared(
            configuration: configuration, tokenizer: tokenizer, training: training, validation: tokens["validation"])
    }

    private func open(_ file: WireDataFile, over connection: ServerConnection) throws -> MappedTokens {
        for path in candidates(file) {
            guard StandIn.current?.canRead(path) ?? true, Self.byteCount(path) == file.bytes,
                let tokens = try? MappedTokens(path: path)
            else { continue }
            if tokens.sha256() == file.sha256 { return tokens }
            logger.warning("other data than the run's", metadata: ["path": "\(path)"])
        }
        return try fetch(file, over: connection)
    }

    /// Where a file may lie: below the folders that this worker was given, and nowhere else, whatever the server says.
    private func candidates(_ file: WireDataFile) -> [String] {
        let name = file.path.split(separator: "/").last.map(String.init) ?? file.name
        return directories.flatMap { directory -> [String] in
            guard let folder = Self.realPath(directory) else { return [] }
            let paths = [name.isEmpty || name == ".." ? nil : folder + "/" + name, file.path].compactMap { $0 }
            return paths.compactMap(Self.realPath).filter { $0.hasPrefix(folder == "/" ? folder : folder + "/") }
        }
    }

    /// A path without links and dots; `nil` if there is no such file.
    private static func realPath(_ path: String) -> String? {
        guard !path.utf8.contains(0), let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// The size of a regular file; `nil` for everything else, which is not opened.
    private static func byteCount(_ path: String) -> UInt64? {
        guard let descriptor = try? InputFile.open(path, .regular) else { return nil }
        defer { close(descriptor) }
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(clamping: status.st_size) : nil
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
        let folder = NSTemporaryDirectory()
        if let free = Self.freeBytes(folder), file.bytes > free {
            throw WorkerError.storage(
                "the server announces \(file.bytes) bytes of \(ForeignText.shown(file.name, bytesMax: 50)) data; "
                    + "\(folder) has room for \(free): set TMPDIR to a folder with more, or give --data")
        }
        // A name that nobody can foresee, for this user alone.
        let path = folder + "/rondo-\(UUID().uuidString).tokens"
        let descriptor = createFile(path)
        guard descriptor >= 0 else {
            throw WorkerError.storage(
                "\(path): cannot be made: \(String(cString: strerror(errno))); set TMPDIR to another folder")
        }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
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
                UInt64(frame.count) == min(block, file.bytes - received)
            else { throw WorkerError.data("the server sent another block of \(file.name) than was asked for") }
            do {
                try handle.write(contentsOf: frame.bytes())
            } catch {
                throw WorkerError.storage("\(path): cannot be written: is the disk full? Set TMPDIR to another folder")
            }
            received += UInt64(frame.count)
        }
        // No sync: the file goes with this process.
        let tokens = try MappedTokens(path: path)
        guard tokens.sha256() == file.sha256 else {
            throw WorkerError.data("\(file.name): what came from the server has another SHA-256 than it announced")
        }
        return tokens
    }

    /// What a folder's file system has room for; `nil` if it does not say.
    private static func freeBytes(_ folder: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let (bytes, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflows ? nil : bytes
    }
}

/// For this user alone, and never an existing one. The method of the same name as the system's call hides it.
private func createFile(_ path: String) -> Int32 {
    open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
}
