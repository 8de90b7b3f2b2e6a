// The run's checkpoints: written, restored, thinned out.

import Checkpoints
import Logging
import Numerics
import Tasks

/// Writes and reads the checkpoints of a run. A disk that fails stops neither the run nor the keeper: the failure is
/// shown in status reports and at the end.
struct CheckpointKeeper {
    /// The file with the carried hidden states, one tensor a shard.
    static let stateFile = "state.safetensors"

    private let directory: CheckpointDirectory
    private let keep: Int
    /// Why the last checkpoint could not be written.
    private(set) var problem: String?
    /// The folder of the newest checkpoint.
    private(set) var latest: String?
    /// The step of the newest checkpoint.
    private(set) var latestStep: Int?

    init(directory path: String, keep: Int) throws(ServerError) {
        self.keep = keep
        do {
            directory = try CheckpointDirectory(path: path)
        } catch {
            throw .directory("\(error)")
        }
    }

    /// The newest whole checkpoint, if there is any; damaged newer ones are reported and passed over.
    func newest(logger: Logger) throws(ServerError) -> OpenedCheckpoint? {
        do {
            guard let opened = try directory.newestWhole() else { return nil }
            for warning in opened.warnings { logger.warning("\(warning)") }
            return opened
        } catch {
            throw .directory("\(error)")
        }
    }

    /// The checkpoint of a step, for a client that asks for it.
    func folder(step: Int) -> CheckpointFolder? {
        try? CheckpointFolder.open(path: directory.path + "/" + CheckpointDirectory.folderName(step: step)).folder
    }

    /// Opens weights and moments, and reads carried states back.
    func restore(
        _ opened: OpenedCheckpoint, layout: ParameterLayout, states: inout CarriedStates
    ) throws(ServerError) -> (RunRecord, CheckpointParameters) {
        let folder = opened.folder
        do {
            let path = try folder.path(of: CheckpointFile.run)
            let (record, _) = try RunRecord.decode(try folder.read(CheckpointFile.run), path: path)
            let parameters = try CheckpointParameters(folder, layout: layout)
            if let file = record.carriedState {
                let carried = try folder.tensors(file)
                for tensor in carried.tensors {
                    guard let shard = Int(tensor.name.dropFirst("shard.".count)), states.holds(shard) else { continue }
                    states.restore(shard: shard, values: try carried.readFloats(tensor.name))
                }
            }
            return (record, parameters)
        } catch {
            throw .directory("\(folder.path): cannot be restored: \(error)")
        }
    }

    /// Notes which checkpoint the run continues from.
    mutating func noteRestored(_ record: RunRecord) {
        latestStep = record.step
        latest = directory.path + "/" + CheckpointDirectory.folderName(step: record.step)
    }

    /// Notes that no checkpoint could be written.
    mutating func noteFailure(step: Int, _ reason: String, logger: Logger) {
        problem = reason
        logger.error("checkpoint not written", metadata: ["step": "\(step)", "reason": "\(reason)"])
    }

    /// Writes a checkpoint, and lets go of old ones.
    ///
    /// - Returns: The checkpoint, if it is in its place.
    mutating func write(
        partitions: PartitionSet, states: CarriedStates, shards: Int, tokenizer: [UInt8],
        record: RunRecord, configuration: [UInt8], best: Int?, logger: Logger
    ) -> CheckpointFolder? {
        do {
            let json = try record.json(configuration: configuration)
            let folder = try directory.write(step: record.step) { draft throws(CheckpointError) in
                try draft.add(CheckpointFile.run, bytes: json)
                try draft.add(CheckpointFile.tokenizer, bytes: tokenizer)
                try draft.addParameters(CheckpointFile.model, [.weights], of: partitions)
                try draft.addParameters(CheckpointFile.optimizer, [.firstMoments, .secondMoments], of: partitions)
                try draft.addStates(Self.stateFile, (0..<shards).map { states[$0].values })
            }
            latest = folder.path
            latestStep = record.step
            problem = nil
            _ = try directory.prune(keep: keep, best: best)
            logger.notice("checkpoint", metadata: ["step": "\(record.step)", "path": "\(folder.path)"])
            return folder
        } catch {
            noteFailure(step: record.step, "\(error)", logger: logger)
            return placed(record)
        }
    }

    /// The checkpoint of this record if it is in its place all the same: what failed came after, such as the link
    /// `latest`.
    private func placed(_ record: RunRecord) -> CheckpointFolder? {
        guard let folder = folder(step: record.step), let json = try? folder.read(CheckpointFile.run),
            let found = try? RunRecord.decode(json, path: folder.path), found.0 == record
        else { return nil }
        return folder
    }
}
