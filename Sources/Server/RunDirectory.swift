// The directory of a run: who may write there, and what it holds.

import Checkpoints
import Configuration
import Corpora
import Foundation
import Ledger
import Platform

/// The run's directory:
///
///     run.json         the run's identifier, its configuration, and the number of the server's present life
///     data/            prepared token files and the tokenizer
///     checkpoints/     step-00001200/ …, latest
///     ledger.jsonl     what was applied, step by step
///     end.json         how the run ended, until it goes on
///     server.lock      held by the living server, with its process id
struct RunDirectory: ~Copyable {
    /// What `run.json` at the top of the directory says.
    struct Identity: Codable, Equatable {
        var run: String
        var incarnation: UInt64
        var completed: Bool
    }

    let path: String
    private(set) var identity: Identity
    /// What differs from the configuration that the run had so far.
    let changes: ConfigurationChanges
    /// What a user may want to know of the directory's file system.
    let remark: String?
    private let lock: ServerLock
    /// Whether a run has been here before this life.
    private let isNew: Bool
    /// Whether this life made the directory.
    private let isMade: Bool
    private var isRegistered = false

    fileprivate static let identityName = "run.json"
    fileprivate static let configurationName = "configuration.json"

    var dataPath: String { path + "/data" }
    /// Where data are prepared to be compared with those of the run.
    var comparisonPath: String { path + "/data-compared" }
    var checkpointsPath: String { path + "/checkpoints" }
    var ledgerPath: String { path + "/" + Ledger.fileName }

    /// Opens the directory for this server alone, for a new run or the next life of the one that is there.
    ///
    /// - Throws: `ServerError.directory` if another server lives there, if a run is there and was not to be resumed, or
    ///   if it cannot go on with this configuration; `.storage` if the disk does not let a run go on that is there.
    init(
        path given: String, configuration: RunConfiguration, resumes: Bool, acceptsChanges: Bool
    ) throws(ServerError) {
        let isMade = !FileManager.default.fileExists(atPath: given)
        do {
            try FileManager.default.createDirectory(atPath: given, withIntermediateDirectories: true)
        } catch {
            throw .directory("\(given): cannot make this directory; choose another --output")
        }
        // Absolute, because workers on this machine are told the paths of the data.
        let path = URL(fileURLWithPath: given).resolvingSymlinksInPath().path
        let lock = try Self.takeLock(path, resumes: resumes)
        try Self.requireFile(path + "/" + Ledger.fileName)
        // What a kill in the midst of a write left behind; what cannot be removed costs a few bytes.
        try? AtomicFile.cleanUp(path, names: [Self.identityName, Self.configurationName])
        let existing = try Self.readIdentity("\(path)/\(Self.identityName)")
        var changes = ConfigurationChanges()
        if existing != nil {
            guard resumes else {
                throw .directory(
                    "\(path): a run is there already; add --resume to continue it, or choose another --output")
            }
            changes = configuration.changes(from: try Self.configuration("\(path)/\(Self.configurationName)"))
            if let reason = changes.refusal(acceptsChanges: acceptsChanges) { throw .directory("\(path): \(reason)") }
        }
        var identity = existing ?? Identity(run: Self.newIdentifier(), incarnation: 0, completed: false)
        identity.incarnation += 1
        remark =
            lock.isKnown
            ? nil
            : "\(path): this file system knows no locks; see to it that no server on another machine writes there"
        isNew = existing == nil
        self.isMade = isMade
        self.path = path
        self.identity = identity
        self.changes = changes
        self.lock = lock
    }

    private static func takeLock(_ path: String, resumes: Bool) throws(ServerError) -> ServerLock {
        do {
            return try ServerLock(directory: path)
        } catch {
            switch error {
            case .held(let process):
                let holder = process.map { ", with process id \($0)" } ?? ""
                throw .directory(
                    "\(path): another server is running there\(holder); stop it or choose another --output")
            case .system(let code):
                let problem = "\(path): not writable: \(String(cString: strerror(code)))"
                // The run that was there a moment ago waits for its disk.
                throw code == EROFS && resumes ? .storage(problem) : .directory(problem)
            }
        }
    }

    /// Writes the run and its next life into the directory. Until then a failed start leaves no run behind.
    ///
    /// - Parameter isComplete: whether nothing is left to compute; a run that was complete may get more steps, or have
    ///   to do some again.
    /// - Throws: `ServerError.directory` if a new run may not be written there; `.storage` if the disk fails, or if a
    ///   run that goes on cannot be written.
    mutating func register(_ configuration: RunConfiguration, isComplete: Bool) throws(ServerError) {
        if !isComplete { identity.completed = false }
        do {
            // What a run left that never came to a checkpoint is no part of this one.
            if isNew { try FileSystem.real.removeFile(ledgerPath) }
            try AtomicFile.write(configuration.json(), to: "\(path)/\(Self.configurationName)")
            try Self.write(identity, to: "\(path)/\(Self.identityName)")
        } catch {
            throw isNew && !error.isStorageFailure ? .directory("\(error)") : .storage("\(error)")
        }
        isRegistered = true
        RunEnding.remove(inDirectory: path)
    }

    /// A ledger that can never be written is found now, not after the last step.
    private static func requireFile(_ path: String) throws(ServerError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return }
        throw .directory("\(path): in the place of the run's ledger is no regular file; move it away")
    }

    deinit { if isNew && !isRegistered { removeTraces() } }

    /// A start that was refused leaves nothing behind: what was not there before, and holds nothing, goes.
    private func removeTraces() {
        for name in PreparedCorpus.fileNames { unlink("\(dataPath)/\(name)") }
        for folder in [dataPath, checkpointsPath] { rmdir(folder) }
        lock.removeFile()
        if isMade { rmdir(path) }
    }

    /// The process id of the server that is running in a directory; `nil` if none is.
    static func livingServer(in path: String) -> Int? { ServerLock.holder(in: path) }

    /// Notes that the run has ended.
    func markCompleted() throws(ServerError) {
        var identity = identity
        identity.completed = true
        do {
            try Self.write(identity, to: "\(path)/\(Self.identityName)")
        } catch {
            throw .system("the run is complete, but that cannot be written down: \(error)")
        }
    }

    private static func write(_ identity: Identity, to path: String) throws(CheckpointError) {
        guard let json = try? JSONEncoder().encode(identity) else { return }
        try AtomicFile.write([UInt8](json), to: path)
    }

    private static func newIdentifier() -> String {
        let number = RandomNumber.next()
        return String(repeating: "0", count: number.leadingZeroBitCount / 4) + String(number, radix: 16)
    }

    fileprivate static func readIdentity(_ path: String) throws(ServerError) -> Identity? {
        do {
            let bytes = try InputFile.contents(path, .regular, bytesMax: RunDirectoryState.bytesMax)
            let identity = try JSONDocument.decode(Identity.self, from: bytes)
            // The next life is numbered one higher.
            guard identity.incarnation < UInt64(ForeignNumber.countMax) else {
                throw JSONProblem("the key \"incarnation\": expected a number of at most \(ForeignNumber.countMax)")
            }
            return identity
        } catch InputFileError.system(_, code: ENOENT) {
            return nil
        } catch {
            throw .directory(
                "\(path): not readable as a run: \(InputFileError.reason(of: error)); "
                    + "move the directory away or choose another --output"
            )
        }
    }

    fileprivate static func configuration(_ path: String) throws(ServerError) -> RunConfiguration {
        do {
            let bytes = try InputFile.contents(path, .regular, bytesMax: RunDirectoryState.bytesMax)
            return try JSONDocument.decode(RunConfiguration.self, from: bytes)
        } catch {
            throw .directory(
                "\(path): not readable: \(InputFileError.reason(of: error)); "
                    + "move the directory away or choose another --output"
            )
        }
    }
}

/// What is known of a run's directory without opening it: how `rondo train` decides between start, resume and done.
public enum RunDirectoryState: Sendable, Equatable {
    /// No run there.
    case empty
    /// A run that has not ended.
    case unfinished
    /// A run that has ended.
    case completed

    /// Whether a run's text has been prepared there: its next server reads that, and not the text.
    public static func hasPreparedData(in path: String) -> Bool {
        [PreparedCorpus.tokenizerName, PreparedCorpus.trainingName].allSatisfy {
            FileManager.default.fileExists(atPath: "\(path)/data/\($0)")
        }
    }

    /// The process id of the server that is running in a directory; `nil` if none is.
    public static func livingServer(in path: String) -> Int? { RunDirectory.livingServer(in: path) }

    /// The most bytes that are read of the small files of a directory.
    static let bytesMax = 1 << 20

    /// Why a run that is there cannot go on, whatever its next start asks for; `nil` if nothing is known.
    public static func problem(path: String) -> String? {
        do throws(ServerError) {
            guard try RunDirectory.readIdentity("\(path)/\(RunDirectory.identityName)") != nil else { return nil }
            _ = try RunDirectory.configuration("\(path)/\(RunDirectory.configurationName)")
            return nil
        } catch {
            return error.description
        }
    }

    /// Looks at a directory.
    public static func of(path: String) -> RunDirectoryState {
        let file = path + "/run.json"
        guard FileManager.default.fileExists(atPath: file) else { return .empty }
        guard let bytes = try? InputFile.contents(file, .regular, bytesMax: bytesMax),
            let identity = try? JSONDecoder().decode(RunDirectory.Identity.self, from: Data(bytes))
        else { return .unfinished }
        return identity.completed ? .completed : .unfinished
    }
}
