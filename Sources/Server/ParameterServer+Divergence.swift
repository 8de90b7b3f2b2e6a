// A loss that explodes: told while it happens, and kept away from the checkpoints.

import Cluster
import Tasks

extension ParameterServer {
    /// A step was applied: looks at its loss, which tells what the weights before it were worth.
    func noteLoss(of application: StepApplication) {
        let loss = application.outcome.meanLoss
        let hadExploded = lossWatch.hasExploded
        lossWatch.note(loss, part: Double(application.span.count) / Double(tree.shards))
        if lossWatch.hasExploded {
            change { $0.withdraw(best: bestStep, logger: logger) }
            if explosionAdvice.isEmpty {
                explosionAdvice = divergenceAdvice
                logger.warning("\(lossProblem ?? "")", metadata: ["step": "\(coordinator.step + 1)"])
            }
        } else if lossWatch.isSound(loss) {
            if hadExploded {
                explosionAdvice = ""
                logger.notice("the loss is sound again", metadata: ["loss": "\(loss)"])
            }
            if checkpoints.isOnProbation { change { $0.noteSound(best: bestStep, logger: logger) } }
        } else {
            checkpoints.noteDoubt()
        }
        let step = application.version + 1
        if coordinator.positions == nil, !coordinator.rules.evaluates(at: step) {
            metrics.noteStep(step, stepsPerEpoch: task.stepsPerEpoch, trainingLoss: progress.smoothedLoss)
        }
    }

    /// Changes the keeper as a copy: while the disk works, questions are answered that look at it.
    private func change(_ body: (inout CheckpointKeeper) -> Void) {
        var keeper = checkpoints
        body(&keeper)
        checkpoints = keeper
    }

    private var bestStep: Int? { progress.bestValidationLoss == nil ? nil : progress.bestStep }

    /// What people are told while the loss is hopeless; `nil` while it is not.
    var lossProblem: String? {
        guard lossWatch.hasExploded else { return nil }
        return "the loss has exploded: \(progress.loss) nats a token, where guessing loses \(lossWatch.guessing); "
            + "no checkpoint is written; \(explosionAdvice)"
    }

    /// What to do about a run that diverges.
    var divergenceAdvice: String {
        DivergenceAdvice.advice(
            output: options.output, configuration: options.configuration, soundStep: checkpoints.soundStep)
    }

    /// Whether the run ended because a result is no number.
    var isDiverged: Bool {
        if case .finished(.diverged) = coordinator.phase { return true }
        return false
    }

    /// Whether the present weights may be in a checkpoint: not those that led to no number, and those whose loss has
    /// exploded at the end of the run alone. The steps since the last sound one can be computed again.
    func mayWriteCheckpoint(version: Int) -> Bool {
        if isDiverged {
            change { $0.withdraw(best: bestStep == version ? nil : bestStep, logger: logger) }
            return false
        }
        guard lossWatch.hasExploded, coordinator.phase != .finished(.completed) else { return true }
        logger.warning("no checkpoint: the loss has exploded", metadata: ["step": "\(version)"])
        return false
    }

    /// The run is complete: what is known of its last weights decides whether they displace others.
    func endProbation() {
        let step = coordinator.step
        guard !lossWatch.hasExploded else { return }
        let isEvaluated = coordinator.lastEvaluated == step
        let isSound = isEvaluated && lossWatch.isSound(progress.validationLoss ?? .nan)
        change { $0.noteEnd(soundUpTo: isSound ? step : step - 1, best: bestStep, logger: logger) }
    }
}
