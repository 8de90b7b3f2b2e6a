// What a step does at the server: weights out, leases out, gradients applied.

import Cluster
import Corpora
import Ledger
import Messaging
import Numerics
import Optimization
import Platform
import Tasks
import WireProtocol

extension ParameterServer {
    /// The prepared token files that workers need, by name.
    var dataFiles: [(name: String, reference: TokenFileReference)] { Self.dataFiles(of: corpus) }

    static func dataFiles(of corpus: PreparedCorpus) -> [(name: String, reference: TokenFileReference)] {
        [("training", corpus.training)] + (corpus.validation.map { [("validation", $0)] } ?? [])
    }

    // MARK: - Sending

    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList(), to peer: RoutingIdentifier) {
        peers.send(body, frames: frames, to: peer)
    }

    func refuse(_ peer: RoutingIdentifier, _ reason: WireRefusalReason, _ explanation: String) {
        peers.refuse(peer, reason, explanation)
    }

    func send(_ lease: Lease, to worker: WorkerIdentifier) {
        guard let peer = members[worker]?.peer else { return }
        var message = WireLease()
        message.lease = UInt64(lease.identifier)
        message.work = lease.work == .training ? .training : .evaluation
        message.step = UInt64(lease.step)
        message.span.lower = UInt32(lease.span.lower)
        message.span.upper = UInt32(lease.span.upper)
        message.version = UInt64(lease.version)
        message.sum = UInt64(lease.sum)
        var frames = FrameList()
        if lease.work == .training {
            // A worker keeps the states of the shards that it computed last; the others come with the lease.
            for shard in lease.span.indices where carriedStates[shard].holder != worker.bytes {
                message.stateShards.append(UInt32(shard))
                frames.append(Frame(copyingElements: carriedStates[shard].values))
            }
        }
        members[worker]?.phase = lease.work == .training ? "computing" : "evaluating"
        members[worker]?.leaseBegan = MonotonicClock.seconds
        send(.lease(message), frames: frames, to: peer)
    }

    /// All weights of the present version to one worker, by everybody who holds some.
    func sendAllWeights(to worker: WorkerIdentifier) {
        guard let recipient = recipient(worker) else { return }
        partitions.sendWeights(to: worker.bytes)
        partitions.own.sendAll(to: recipient, over: peers)
    }

    /// Weights may lie where workers of this machine look only if they rest while somebody computes with them.
    private func recipient(_ worker: WorkerIdentifier) -> WeightsRecipient? {
        guard let member = members[worker] else { return nil }
        let sharesMemory = member.gradients != nil && partitions.own.isSynchronous
        return WeightsRecipient(peer: member.peer, sharesMemory: sharesMemory)
    }

    // MARK: - Applying

    /// Applies what one worker computed, without common steps.
    func apply(_ update: Update) {
        guard let outcome = update.outcome else { preconditionFailure("an update that is not computed") }
        apply(sum: update.lease.sum, of: update.lease.span, outcome: outcome, recipients: [])
        application?.update = update
    }

    /// Clips, and has all partitions apply Adam and stream their chunks out. Loss and gradient are finite.
    func apply(sum: Int, of span: ShardRange, outcome: StepOutcome, recipients: [WorkerIdentifier]) {
        let norm = partitions.gradientNorm(of: sum)
        let tokens = max(1, outcome.tokens)
        let workers = recipients.compactMap { recipient($0) }
        let version = coordinator.version
        var message = WirePartitionApply()
        message.sum = UInt64(sum)
        message.update = UInt64(version + 1)
        message.gradientScale = norm.gradientScale(tokens: tokens, limit: options.configuration.training.clip)
        message.recipients = workers.map { .init($0.peer.bytes) }
        application = StepApplication(
            sum: sum, version: version, span: span, outcome: outcome, gradientNorm: norm.norm(tokens: tokens),
            since: MonotonicClock.seconds)
        partitions.apply(
            message, task.optimizer.step(update: version + 1, gradientScale: message.gradientScale), to: workers,
            over: peers)
    }

    // MARK: - Evaluations and checkpoints

    func noteEvaluation(version: Int, outcome: StepOutcome) {
        let isSound = lossWatch.isSound(outcome.meanLoss)
        let isBest = progress.noteValidation(loss: outcome.meanLoss, version: version, isSound: isSound)
        ledger.noteEvaluation(outcome, version: coordinator.version, step: version)
        metrics.noteEvaluation(
            step: version, stepsPerEpoch: task.stepsPerEpoch, loss: outcome.meanLoss,
            trainingLoss: progress.smoothedLoss)
        logger.notice(
            "evaluated",
            metadata: ["step": "\(version)", "validation": "\(outcome.meanLoss)", "best": "\(isBest)"])
        // The best weights must be on disk to be kept.
        let comesAnyway = coordinator.rules.checkpoints(at: version) && coordinator.positions == nil
        if isBest, !comesAnyway { writeCheckpoint(version: version) }
    }

    /// Without common steps the weights change while the step stays: the checkpoint of the best ones is not replaced.
    func isKeptAsBest(_ step: Int) -> Bool {
        coordinator.positions != nil && progress.bestValidationLoss != nil && progress.bestStep == step
            && checkpoints.folder(step: step) != nil
    }

    func writeCheckpoint(version: Int) {
        let before = clock.enter(.checkpoint)
        defer { clock.enter(before) }
        guard mayWriteCheckpoint(version: version) else { return }
        busySince = MonotonicClock.seconds
        var rows = metrics
        rows.sync()
        metrics = rows
        // A checkpoint is never newer than the ledger that leads to it. The disk is full or broken for both.
        guard ledger.sync() else {
            return checkpoints.noteFailure(step: version, "\(ledger.problem ?? "the ledger is behind")", logger: logger)
        }
        // A copy: while the disk works, questions are answered that look at the keeper.
        var keeper = checkpoints
        let folder = keeper.write(
            partitions: partitions, states: carriedStates, shards: tree.shards, tokenizer: corpus.tokenizer.json(),
            record: record(version: version, withState: true),
            configuration: options.configuration.json(), best: progress.bestStep, logger: logger)
        checkpoints = keeper
        if folder != nil { configurationIsNews = false }
        if let folder { ledger.noteCheckpoint(Ledger.digests(of: folder), version: coordinator.version) }
    }

    /// What run.json says of a version.
    func record(version: Int, withState: Bool) -> RunRecord {
        var record = RunRecord(
            version: RunRecord.libraryVersion, run: directory.identity.run, step: version, totalSteps: task.totalSteps,
            stepsPerEpoch: task.stepsPerEpoch, epoch: version / task.stepsPerEpoch,
            stepInEpoch: version % task.stepsPerEpoch, lastEvaluated: coordinator.lastEvaluated,
            validationLoss: progress.validationLoss, bestValidationLoss: progress.bestValidationLoss,
            updates: coordinator.positions == nil ? nil : coordinator.version, positions: coordinator.positions,
            bestStep: progress.bestStep, smoothedLoss: progress.smoothedLoss.isNaN ? nil : progress.smoothedLoss,
            carriedState: withState ? CheckpointKeeper.stateFile : nil,
            data: Self.contentHashes(of: corpus),
            vocabulary: corpus.tokenizer.count)
        if lossWatch.hasExploded { record.exploded = true }
        if !runChanges.isEmpty { record.changes = runChanges }
        return record
    }
}
