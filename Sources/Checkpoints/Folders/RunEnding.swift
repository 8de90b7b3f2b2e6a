// How a run ended, on record in its directory.

import Foundation
import Platform

/// How a run ended, as `end.json` in its directory says: written by the server, or by the supervisor of a server that
/// could not, and removed when the run goes on.
public struct RunEnding: Codable, Sendable, Equatable {
    /// What became of the run.
    public enum How: String, Codable, Sendable {
        /// All steps are done.
        case completed
        /// It was stopped, after a checkpoint.
        case interrupted
        /// Something went wrong.
        case failed
    }

    /// What became of the run.
    public var how: How
    /// Why, in words.
    public var reason: String
    /// The exit code of the program that ran it.
    public var exitCode: Int
    /// Updates applied.
    public var step: Int
    /// Updates of the whole run.
    public var totalSteps: Int
    /// The run's identifier.
    public var run: String

    /// The file's name.
    public static let fileName = "end.json"
    /// The exit code of a run that its supervisor takes up again by itself.
    public static let resumedExitCode = 75
    private static let bytesMax = 1 << 16

    /// An ending.
    public init(how: How, reason: String, exitCode: Int, step: Int, totalSteps: Int, run: String) {
        self.how = how
        self.reason = reason
        self.exitCode = exitCode
        self.step = step
        self.totalSteps = totalSteps
        self.run = run
    }

    /// The ending on record in a run's directory; `nil` while the run goes on, or if it could not be written.
    public init?(inDirectory directory: String) {
        guard let bytes = Self.bytes(Paths.join(directory, Self.fileName)),
            let found = try? JSONDecoder().decode(RunEnding.self, from: Data(bytes)),
            (0...255).contains(found.exitCode)
        else { return nil }
        self = found
        (step, totalSteps) = (ForeignNumber.count(found.step), ForeignNumber.count(found.totalSteps))
        reason = ForeignText.shown(found.reason)
    }

    /// The identifier of the run in a directory; `nil` if there is none.
    public static func run(inDirectory directory: String) -> String? {
        struct Identity: Codable { var run: String }
        return bytes(Paths.join(directory, "run.json")).flatMap {
            try? JSONDecoder().decode(Identity.self, from: Data($0)).run
        }
    }

    /// Where the living server of the run in a directory listens, as written by it or its supervisor; `nil` if there is
    /// no such record.
    public static func endpointText(inDirectory directory: String) -> String? {
        guard let bytes = bytes(Paths.join(directory, "endpoint")), bytes.last == 0x0A else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    private static func bytes(_ path: String) -> [UInt8]? {
        try? Platform.InputFile.contents(path, .regular, bytesMax: bytesMax)
    }

    /// Puts the ending on record.
    ///
    /// - Throws: `CheckpointError` if the disk does not take it.
    package func write(inDirectory directory: String) throws(CheckpointError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let json = try? encoder.encode(self) else { return }
        try AtomicFile.write([UInt8](json) + [0x0A], to: Paths.join(directory, Self.fileName))
    }

    /// The run goes on: what is on record is no longer so.
    package static func remove(inDirectory directory: String) {
        try? FileSystem.real.removeFile(Paths.join(directory, fileName))
    }
}
