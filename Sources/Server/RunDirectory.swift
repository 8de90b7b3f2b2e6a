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
    private let lock: Int32

    var dataPath: String { path + "/data" }
    /// Where data are prepared to be compared with those of the run.
    var comparisonPath: String { path + "/data-compared" }
    var checkpointsPath: String { path + "/checkpoints" }
    var ledgerPath: String { path + "/" + Ledger.fileName }

    /// Opens the directory for this server alone, for a new run or the next life of the one that is there.
    ///
    /// - Throws: `ServerError.directory` if another server lives there, if a run is there and was not to be resumed, or
    ///   if it cannot go on with this configuration.
    init(
        path given: String, configuration: RunConfiguration, resumes: Bool, acceptsChanges: Bool
    ) throws(ServerError) {
        do {
            try FileManager.default.createDirectory(atPath: given, withIntermediateDirectories: true)
        } catch {
            throw .directory("\(given): cannot make this directory; choose another --output")
        }
        // Absolute, because workers on this machine are told the paths of the data.
        let path = URL(fileURLWithPath: given).resolvingSymlinksInPath().path
        let descriptor = open(path + "/server.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .directory("\(path): not writable: \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let process = Self.holder(of: descriptor).map { ", with process id \($0)" } ?? ""
            close(descriptor)
            throw .directory("\(path): another server is running there\(process); stop it or choose another --output")
        }
        Self.sign(descriptor)
        var identity = Identity(run: Self.newIdentifier(), incarnation: 0, completed: false)
        var changes = ConfigurationChanges()
        do throws(ServerError) {
            if let existing = try Self.readIdentity(path + "/run.json") {
                guard resumes else {
                    throw ServerError.directory(
                        "\(path): a run is there already; add --resume to continue it, or choose another --output")
                }
                changes = configuration.changes(from: try Self.configuration(path + "/configuration.json"))
                if let reason = changes.refusal(acceptsChanges: acceptsChanges) {
                    throw ServerError.directory("\(path): \(reason)")
                }
                identity = existing
            }
        } catch {
            close(descriptor)
            throw error
        }
        identity.incarnation += 1
        self.path = path
        self.identity = identity
        self.changes = changes
        lock = descriptor
    }

    /// Writes the run and its next life into the directory. Until then a failed start leaves no run behind.
    ///
    /// - Parameter isComplete: whether nothing is left to compute; a run that was complete may get more steps.
    mutating func register(_ configuration: RunConfiguration, isComplete: Bool) throws(ServerError) {
        if !isComplete { identity.completed = false }
        try Self.write(configuration.json(), to: path + "/configuration.json")
        try Self.write(identity, to: path + "/run.json")
        RunEnding.remove(inDirectory: path)
    }

    deinit { close(lock) }

    /// The process id of the server that is running in a directory; `nil` if none is.
    static func livingServer(in path: String) -> Int? {
        let descriptor = open(path + "/server.lock", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) == 0 ? nil : holder(of: descriptor)
    }

    /// The process id that the holder of the lock has written into it.
    private static func holder(of lock: Int32) -> Int? {
        var text = [UInt8](repeating: 0, count: 20)
        let count = pread(lock, &text, text.count, 0)
        return count > 0 ? Int(String(decoding: text.prefix(count), as: UTF8.self).filter(\.isNumber)) : nil
    }

    /// Says who holds the lock. What fails here costs no more than a number in a message.
    private static func sign(_ lock: Int32) {
        let text = Array("\(getpid())\n".utf8)
        if ftruncate(lock, 0) == 0 { _ = pwrite(lock, text, text.count, 0) }
    }

    /// Notes that the run has ended.
    func markCompleted() throws(ServerError) {
        var identity = identity
        identity.completed = true
        try Self.write(identity, to: path + "/run.json")
    }

    private static func write(_ identity: Identity, to path: String) throws(ServerError) {
        guard let json = try? JSONEncoder().encode(identity) else { return }
        try write([UInt8](json), to: path)
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(ServerError) {
        do {
            try AtomicFile.write(bytes, to: path)
        } catch {
            throw .directory("\(path): cannot be written; is the disk full, or the directory not writable?")
        }
    }

    private static func newIdentifier() -> String {
        let number = RandomNumber.next()
        return String(repeating: "0", count: number.leadingZeroBitCount / 4) + String(number, radix: 16)
    }

    private static func readIdentity(_ path: String) throws(ServerError) -> Identity? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path),
            let identity = try? JSONDecoder().decode(Identity.self, from: data)
        else { throw .directory("\(path): not readable as a run; move the directory away or choose another --output") }
        return identity
    }

    private static func configuration(_ path: String) throws(ServerError) -> RunConfiguration {
        guard let data = FileManager.default.contents(atPath: path),
            let configuration = try? RunConfiguration(json: [UInt8](data))
        else { throw .directory("\(path): not readable; move the directory away or choose another --output") }
        return configuration
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

    /// Looks at a directory.
    public static func of(path: String) -> RunDirectoryState {
        guard let data = FileManager.default.contents(atPath: path + "/run.json") else { return .empty }
        guard let identity = try? JSONDecoder().decode(RunDirectory.Identity.self, from: data) else {
            return .unfinished
        }
        return identity.completed ? .completed : .unfinished
    }
}
