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
    /// A run of the same configuration is there and has not ended: continue it.
    case resume
    /// A run of the same configuration is there, and all of its steps are done.
    case nothing

    /// Looks at the directory.
    ///
    /// - Throws: `ProgramFailure` if a run of another configuration is there, with the keys that differ.
    public static func decide(output: String, configuration: RunConfiguration) throws(ProgramFailure) -> RunPlan {
        var status = stat()
        if stat(output, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
            throw ProgramFailure(.usage, "\(output): is a file, not a directory; choose another --output")
        }
        let state = RunDirectoryState.of(path: output)
        guard state != .empty else { return .start }
        // Without a readable configuration there, the server will say what is wrong with the directory.
        if let bytes = FileText.bytes("\(output)/configuration.json"), let theirs = try? RunConfiguration(json: bytes) {
            let differences = configuration.differences(from: theirs)
            if !differences.isEmpty {
                if state == .unfinished, !hasCheckpoint(output) { return .replace }
                let list = differences.map { "\($0.key) is \($0.ours) here and \($0.theirs) there" }
                throw ProgramFailure(
                    .usage,
                    "\(output): the run there has another configuration: \(list.joined(separator: "; ")); "
                        + "choose another --output")
            }
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
