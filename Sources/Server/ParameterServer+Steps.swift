// What a step does at the server: weights out, leases out, gradients applied.

import Cluster
import Corpora
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

    /// Sends a message to one peer. One that has gone is counted; its silence will tell the coordinator.
    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList(), to peer: RoutingIdentifier) {
        let header = WireHeader(run: directory.identity.run, incarnation: directory.identity.incarnation, body: body)
        var message = frames
        message.prepend(Frame(copying: header.encoded()))
        do {
            try socket.send(message, to: peer)
        } catch {
            counters.unreachablePeers += 1
        }
    }

    func refuse(_ peer: RoutingIdentifier, _ reason: WireRefusalReason, _ explanation: String) {
        var refusal = WireRefusal()
        refusal.reason = reason
        refusal.explanation = explanation
        send(.refusal(refusal), to: peer)
    }

    func send(_ lease: Lease, to worker: WorkerIdentifier) {
        guard let peer = members[worker]?.peer else { return }
        var message = WireLease()
        message.lease = UInt64(lease.identifier)
        message.work = lease.work == .training ? .training : .evaluation
        message.step = UInt64(lease.step)
        message.span.lower = UInt32(lease.span.lower)
        message.span.upper = UInt32(lease.span.upper)
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

    /// All weights of the present version to one worker.
    func sendAllWeights(to worker: WorkerIdentifier) {
        guard let peer = members[worker]?.peer else { return }
        for chunk in task.layout.chunks.indices {
            let header = weightsHeader(chunk: chunk, version: coordinator.version)
            send(.weights(header), frames: FrameList(parameters.frame(chunk: chunk)), to: peer)
        }
    }

    private func weightsHeader(chunk: Int, version: Int) -> WireWeights {
        var header = WireWeights()
        header.version = UInt64(version)
        header.chunk = UInt32(chunk)
        header.isLast = chunk == task.layout.chunks.count - 1
        return header
    }

    // MARK: - Applying

    /// Clips, applies Adam chunk by chunk, and streams each chunk out as soon as it is done.
    ///
    /// - Returns: Why the step must be refused, if the gradient is not finite; the weights are then as before.
    func apply(step: Int, outcome: StepOutcome, recipients: [WorkerIdentifier]) -> String? {
        precondition(reduction.isComplete, "a step is applied before all of its gradients are in")
        let chunks = task.layout.chunks
        let payloads = chunks.indices.map { reduction.total(chunk: $0)! }
        var norm = GradientNorm(chunks: chunks.count)
        for chunk in chunks.indices {
            let columns = task.layout.tensors[chunks[chunk].tensor].columns
            norm.set(payloads[chunk].normPartial(columns: columns), chunk: chunk)
        }
        let tokens = max(1, outcome.tokens)
        guard outcome.loss.isFinite, norm.sumOfSquares.isFinite else {
            counters.stepsRefused += 1
            return "the \(outcome.loss.isFinite ? "gradient" : "loss") is not finite; lower training.adam.rate or "
                + "training.clip, or look at the data of step \(step)"
        }
        let training = options.configuration.training
        let adam = task.optimizer.step(
            update: step + 1, gradientScale: norm.gradientScale(tokens: tokens, limit: training.clip))
        let peers = recipients.compactMap { members[$0]?.peer }
        for chunk in chunks.indices {
            parameters.apply(payloads[chunk], chunk: chunk, step: adam)
            stream(chunk: chunk, changed: payloads[chunk], version: step + 1, to: peers)
        }
        reduction = GradientReduction(tree: tree, chunkCount: chunks.count)
        carriedStates.advance()
        progress.noteStep(
            loss: outcome.meanLoss, tokens: outcome.tokens, gradientNorm: norm.norm(tokens: tokens),
            now: MonotonicClock.seconds)
        return nil
    }

    private func stream(chunk: Int, changed: GradientPayload, version: Int, to peers: [RoutingIdentifier]) {
        guard !peers.isEmpty else { return }
        var header = weightsHeader(chunk: chunk, version: version)
        var frames = FrameList()
        switch changed {
        case .dense: frames.append(parameters.frame(chunk: chunk))
        case .sparse(let rows, _):
            header.isSparse = true
            header.sparseRows = UInt32(rows.count)
            if !rows.isEmpty {
                frames.append(Frame(copyingElements: rows))
                frames.append(parameters.frame(chunk: chunk, rows: rows))
            }
        }
        for peer in peers { send(.weights(header), frames: frames.share(), to: peer) }
    }

    // MARK: - Evaluations and checkpoints

    func noteEvaluation(version: Int, outcome: StepOutcome) {
        let isBest = progress.noteValidation(loss: outcome.meanLoss, version: version)
        logger.notice(
            "evaluated",
            metadata: ["step": "\(version)", "validation": "\(outcome.meanLoss)", "best": "\(isBest)"])
        // The best weights must be on disk to be kept.
        if isBest, !coordinator.rules.checkpoints(at: version) { writeCheckpoint(version: version) }
    }

    func writeCheckpoint(version: Int) {
        checkpoints.write(
            parameters: parameters, states: carriedStates, shards: tree.shards, tokenizer: corpus.tokenizer.json(),
            record: record(version: version, withState: true),
            configuration: options.configuration.json(), best: progress.bestStep, logger: logger)
    }

    /// What run.json says of a version.
    func record(version: Int, withState: Bool) -> RunRecord {
        RunRecord(
            version: RunRecord.libraryVersion, run: directory.identity.run, step: version, totalSteps: task.totalSteps,
            stepsPerEpoch: task.stepsPerEpoch, epoch: version / task.stepsPerEpoch,
            stepInEpoch: version % task.stepsPerEpoch, lastEvaluated: coordinator.lastEvaluated,
            validationLoss: progress.validationLoss, bestValidationLoss: progress.bestValidationLoss,
            bestStep: progress.bestStep, smoothedLoss: progress.smoothedLoss.isNaN ? nil : progress.smoothedLoss,
            carriedState: withState ? CheckpointKeeper.stateFile : nil,
            data: Self.contentHashes(of: corpus),
            vocabulary: corpus.tokenizer.count)
    }
}
