// What has to be done in a run's directory.

import Checkpoints
import Configuration
import Server
import Tasks

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
    /// A run of the same configuration is there that has ended, but its newest checkpoint is damaged: compute the steps
    /// since the one before again. With what is wrong, a line for each fault.
    case mend([String])
    /// A run of the same configuration is there, and all of its steps are done.
    case nothing

    /// Whether the run that is there goes on.
    public var resumes: Bool {
        switch self {
        case .resume, .mend: true
        case .start, .replace, .nothing: false
        }
    }

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
        if let problem = RunDirectoryState.problem(path: output) { throw ProgramFailure(.usage, problem) }
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
        guard state == .completed else { return .resume }
        let damage = damage(output)
        return damage.isEmpty ? .nothing : .mend(damage)
    }

    /// What is wrong with the newest checkpoint of a run that has ended; nothing if the list is empty.
    private static func damage(_ output: String) -> [String] {
        do {
            let opened = try CheckpointFolder.open(path: "\(output)/checkpoints")
            if !opened.skipped.isEmpty { return opened.skipped.map(\.description) }
            let record = try RunRecord.decode(opened.folder.read(CheckpointFile.run), path: opened.folder.path).0
            if record.step >= record.totalSteps { return [] }
            return ["\(output)/checkpoints: the last checkpoint is missing; the newest is \(opened.folder.path)"]
        } catch {
            return ["\(error)"]
        }
    }

    /// Gives damaged checkpoints of a run that has ended another name, so that computing their steps again overwrites
    /// nothing: a file in them may have been changed on purpose.
    ///
    /// - Returns: What a user may want to know of it.
    public static func setDamagedAside(_ output: String) -> [String] {
        let skipped: [SkippedCheckpoint]
        do {
            skipped = try CheckpointFolder.open(path: "\(output)/checkpoints").skipped
        } catch {
            guard case .noWholeCheckpoint(_, let all) = error else { return [] }
            skipped = all
        }
        return skipped.compactMap { checkpoint in
            let names = [checkpoint.path + ".damaged"] + (2...99).map { "\(checkpoint.path).damaged-\($0)" }
            guard let name = names.first(where: { access($0, F_OK) != 0 }), rename(checkpoint.path, name) == 0 else {
                return nil
            }
            return "\(checkpoint.path): kept as \(name); if its weights were changed on purpose, 'rondo sample' and "
                + "'rondo evaluate' take them with --checkpoint \(name) --adopt-weights"
        }
    }

    /// The step of the newest checkpoint, as `latest` says; `nil` without one.
    static func checkpointStep(_ output: String) -> Int? {
        CheckpointDirectory(reading: "\(output)/checkpoints").latest
    }

    /// Lets `latest` lead to the newest checkpoint of a run that has ended, where it does not.
    ///
    /// - Returns: What a user may want to know of it.
    public static func repairLatest(_ output: String) -> String? {
        let checkpoints = CheckpointDirectory(reading: "\(output)/checkpoints")
        guard let newest = try? checkpoints.list().last else { return nil }
        do {
            try checkpoints.pointLatest(to: newest)
            return checkpoints.latestRemark
        } catch {
            return "\(error)"
        }
    }

    /// Removes what marks the directory as a run's, so that another can start there.
    ///
    /// - Throws: `ProgramFailure` if a server is running there.
    static func clear(_ output: String) throws(ProgramFailure) {
        do {
            _ = try ServerLock(directory: output)
        } catch {
            guard case .held = error else { return }
            throw ProgramFailure(
                .usage, "\(output): another server is running there; stop it or choose another --output")
        }
        unlink("\(output)/run.json")
    }

    private static func hasCheckpoint(_ output: String) -> Bool {
        (try? CheckpointDirectory(reading: "\(output)/checkpoints").list().isEmpty) == false
    }
}
