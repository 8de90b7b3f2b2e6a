// What has to be done in a run's directory.

import Configuration
import Server

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What has to be done in a run's directory.
public enum RunPlan: Sendable, Equatable {
    /// Nothing is there that is worth keeping: start.
    case start
    /// A run of another configuration is there that failed before its first checkpoint, for want of its corpus perhaps:
    /// start in its place.
    case replace
    /// A run is there that has not ended, or that goes on with other values of some keys: continue it.
    case resume
    /// A run of the same configuration is there, and all of its steps are done.
    case nothing

    /// Looks at the directory.
    ///
    /// - Parameter acceptsChanges: whether the run may go on with other values of keys that alter the steps to come.
    /// - Throws: `ProgramFailure` if a run is there that cannot go on with the configuration, with the keys that differ
    ///   and those that may.
    public static func decide(
        output: String, configuration: RunConfiguration, acceptsChanges: Bool = false
    ) throws(ProgramFailure) -> RunPlan {
        var status = stat()
        if stat(output, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            throw ProgramFailure(.usage, "\(output): is a file, not a directory; choose another --output")
        }
        let state = RunDirectoryState.of(path: output)
        guard state != .empty else { return .start }
        // Without a readable configuration there, the server will say what is wrong with the directory.
        if let bytes = FileText.bytes("\(output)/configuration.json"), let theirs = try? RunConfiguration(json: bytes) {
            let changes = configuration.changes(from: theirs)
            if changes.all.contains(where: { $0.effect != .none }), state == .unfinished, !hasCheckpoint(output) {
                return .replace
            }
            if let reason = changes.refusal(acceptsChanges: acceptsChanges) {
                throw ProgramFailure(.usage, "\(output): \(reason)")
            }
            // A complete run may have more to do now: the server knows how many steps there are.
            if !changes.isEmpty { return .resume }
        }
        return state == .completed ? .nothing : .resume
    }

    /// The step of the newest checkpoint, as the link to it says; `nil` without one.
    static func checkpointStep(_ output: String) -> Int? {
        FileText.linkTarget("\(output)/checkpoints/latest").flatMap { Int($0.drop { !$0.isNumber }) }
    }

    /// Removes what marks the directory as a run's, so that another can start there.
    ///
    /// - Throws: `ProgramFailure` if a server is running there.
    static func clear(_ output: String) throws(ProgramFailure) {
        let lock = open("\(output)/server.lock", O_RDWR | O_CLOEXEC)
        defer { if lock >= 0 { close(lock) } }
        guard lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw ProgramFailure(
                .usage, "\(output): another server is running there; stop it or choose another --output")
        }
        unlink("\(output)/run.json")
    }

    private static func hasCheckpoint(_ output: String) -> Bool {
        guard let folder = opendir("\(output)/checkpoints") else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            // Not hidden: a step, or the link to one.
            if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { return true }
        }
        return false
    }
}
