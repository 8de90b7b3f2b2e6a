// The run's checkpoints: written, restored, thinned out.

import Checkpoints
import Configuration
import Logging
import Numerics
import Platform
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
    /// What was last said of the link `latest`: once is enough.
    private var remark: String?

    /// The newest checkpoints, which displace no older ones yet.
    private var probation: Probation
    /// Whether the weights could not be written because they are no numbers.
    private(set) var refusedWeights = false

    init(directory path: String, keep: Int, every: Int) throws(ServerError) {
        self.keep = keep
        probation = Probation(every: every)
        do {
            directory = try CheckpointDirectory(path: path)
        } catch {
            throw .directory("\(error)")
        }
    }

    /// The newest whole checkpoint, if there is any; damaged newer ones are reported and passed over. Without a whole
    /// one all steps are computed again, and are the same; but not where a file cannot be read, which may be a matter
    /// of the moment.
    func newest(logger: Logger) throws(ServerError) -> OpenedCheckpoint? {
        do {
            guard let opened = try directory.newestWhole() else { return nil }
            for warning in opened.warnings { logger.warning("\(warning)") }
            return opened
        } catch .noWholeCheckpoint(_, let skipped) where !skipped.contains(where: \.isUnreadable) {
            for checkpoint in skipped { logger.warning("\(checkpoint)") }
            logger.warning("no checkpoint is whole: starting again at step 0")
            return nil
        } catch {
            throw .directory("\(error)")
        }
    }

    /// The newest whole checkpoint whose loss had not exploded; newer ones belong to a course that the run leaves, and
    /// are removed.
    func newestSound(logger: Logger) throws(ServerError) -> OpenedCheckpoint? {
        while let opened = try newest(logger: logger) {
            guard let step = opened.step, let json = try? opened.folder.read(CheckpointFile.run),
                let record = try? RunRecord.decode(json, path: opened.folder.path).0, record.exploded == true
            else { return opened }
            do { try directory.remove(step: step) } catch { throw .directory("\(error)") }
            logger.notice("removed a checkpoint whose loss had exploded", metadata: ["step": "\(step)"])
        }
        return nil
    }

    /// The step of the newest checkpoint that has proven itself, or may.
    var soundStep: Int? {
        (try? directory.list())?.last { step in
            guard let folder = folder(step: step), let json = try? folder.read(CheckpointFile.run),
                let record = try? RunRecord.decode(json, path: folder.path).0
            else { return false }
            return record.exploded != true
        }
    }

    /// The checkpoint of a step, for a client that asks for it.
    func folder(step: Int) -> CheckpointFolder? {
        try? CheckpointFolder.open(path: directory.path + "/" + CheckpointDirectory.folderName(step: step)).folder
    }

    /// Opens weights and moments, and reads carried states back.
    func restore(
        _ opened: OpenedCheckpoint, layout: ParameterLayout, states: inout CarriedStates
    ) throws(ServerError) -> (record: RunRecord, configuration: RunConfiguration, parameters: CheckpointParameters) {
        let folder = opened.folder
        do {
            let path = try folder.path(of: CheckpointFile.run)
            let (record, configuration) = try RunRecord.decode(try folder.read(CheckpointFile.run), path: path)
            let parameters = try CheckpointParameters(folder, layout: layout)
            if let file = record.carriedState {
                let carried = try folder.tensors(file)
                for tensor in carried.tensors {
                    guard let shard = Int(tensor.name.dropFirst("shard.".count)), states.holds(shard) else { continue }
                    states.restore(shard: shard, values: try carried.readFloats(tensor.name))
                }
            }
            return (record, configuration, parameters)
        } catch {
            throw .directory("\(folder.path): cannot be restored: \(error)")
        }
    }

    /// Notes which checkpoint the run continues from, and lets `latest` lead to it.
    mutating func noteRestored(_ record: RunRecord, logger: Logger) {
        probation.begin(record.step)
        latestStep = record.step
        latest = directory.path + "/" + CheckpointDirectory.folderName(step: record.step)
        do {
            try directory.pointLatest(to: record.step)
            noteLatest(nil, logger: logger)
        } catch {
            noteLatest(error, logger: logger)
        }
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
            let written = try directory.write(step: record.step) { draft throws(CheckpointError) in
                try draft.add(CheckpointFile.run, bytes: json)
                try draft.add(CheckpointFile.tokenizer, bytes: tokenizer)
                try draft.addParameters(CheckpointFile.model, [.weights], of: partitions)
                try draft.addParameters(CheckpointFile.optimizer, [.firstMoments, .secondMoments], of: partitions)
                try draft.addStates(Self.stateFile, (0..<shards).map { states[$0].values })
            }
            latest = written.folder.path
            latestStep = record.step
            problem = nil
            probation.begin(record.step)
            logger.notice("checkpoint", metadata: ["step": "\(record.step)", "path": "\(written.folder.path)"])
            noteLatest(written.latestProblem, logger: logger)
            prune(best: best, logger: logger)
            return written.folder
        } catch {
            if case .contents = error as? CheckpointError { refusedWeights = true }
            noteFailure(step: record.step, "\(error)", logger: logger)
            return nil
        }
    }

    /// A step with the newest weights had a sound loss: checkpoints that have proven themselves displace older ones.
    mutating func noteSound(best: Int?, logger: Logger) {
        if probation.noteSound() { prune(best: best, logger: logger) }
    }

    /// Whether there is a checkpoint that has to prove itself.
    var isOnProbation: Bool { !probation.isEmpty }

    /// A loss gave reason for doubt.
    mutating func noteDoubt() { probation.noteDoubt() }

    /// The run is complete.
    ///
    /// - Parameter step: up to where the losses have been sound.
    mutating func noteEnd(soundUpTo step: Int, best: Int?, logger: Logger) {
        probation.endAll(upTo: step)
        prune(best: best, logger: logger)
    }

    /// The loss has exploded: the checkpoints that have not proven themselves are too near to it to go on from, and are
    /// removed; all of their steps can be computed again. The best one stays, unless it led to no number at once.
    mutating func withdraw(best: Int?, logger: Logger) {
        for step in probation.steps where step != best {
            do {
                try directory.remove(step: step)
                probation.forget(step)
                logger.warning("withdrew a checkpoint: the loss exploded right after it", metadata: ["step": "\(step)"])
            } catch {
                logger.warning("a checkpoint could not be removed", metadata: ["reason": "\(error)"])
            }
        }
        guard let latestStep, folder(step: latestStep) == nil else { return }
        self.latestStep = directory.latest
        latest = self.latestStep.map { directory.path + "/" + CheckpointDirectory.folderName(step: $0) }
    }

    /// Checkpoints that are kept for too long cost room, and nothing else.
    private func prune(best: Int?, logger: Logger) {
        do {
            let (directory, keep) = (directory, keep + probation.steps.count)
            _ = try LongWork.run { () throws(CheckpointError) in try directory.prune(keep: keep, best: best) }
        } catch {
            logger.warning("an old checkpoint could not be removed", metadata: ["reason": "\(error)"])
        }
    }

    /// The checkpoints are whole whatever becomes of the link: a warning, once.
    private mutating func noteLatest(_ problem: CheckpointError?, logger: Logger) {
        let remark = problem.map { "\($0)" } ?? directory.latestRemark
        if let remark, remark != self.remark { logger.warning("\(remark)") }
        self.remark = remark
    }
}
