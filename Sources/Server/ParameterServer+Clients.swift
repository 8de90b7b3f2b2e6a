// What clients and joining workers ask for: status, snapshots, data.

import Checkpoints
import Cluster
import Corpora
import Foundation
import Messaging
import Numerics
import Platform
import Tasks
import WireProtocol

extension ParameterServer {
    // MARK: - Status

    func status() -> WireStatus {
        let now = MonotonicClock.seconds
        var status = WireStatus()
        status.phase = phaseName
        status.step = UInt64(coordinator.step)
        status.stepsTotal = UInt64(task.totalSteps)
        status.epoch = UInt64(min(coordinator.step / task.stepsPerEpoch + 1, task.epochs))
        status.epochsTotal = UInt64(task.epochs)
        status.trainingLoss = progress.loss
        status.smoothedLoss = progress.smoothedLoss
        status.gradientNorm = progress.gradientNorm
        if let loss = progress.validationLoss { status.validationLoss = loss }
        if let best = progress.bestValidationLoss { status.bestValidationLoss = best }
        status.bestStep = UInt64(progress.bestStep)
        let speed = progress.speed(now: now)
        status.tokensPerSecond = speed.tokensPerSecond
        status.secondsLeft =
            speed.stepsPerSecond > 0 ? Double(task.totalSteps - coordinator.step) / speed.stepsPerSecond : 0
        status.parameters = UInt64(task.parameterCount)
        status.residentBytes = UInt64(CurrentProcess.residentBytes)
        status.uptimeSeconds = now - startedAt
        status.outputDirectory = directory.path
        status.latestCheckpoint = checkpoints.latest ?? ""
        status.problem = checkpoints.problem ?? ledger.problem ?? metrics.problem ?? lossProblem ?? ""
        status.configurationSummary = task.summary
        status.seconds = clock.report
        status.lastStepUptimeSeconds = progress.lastStepAt.map { $0 - startedAt } ?? 0
        status.workers = coordinator.workerViews.map { view in
            let member = members[view.identifier]
            var worker = WireWorkerStatus()
            worker.name = view.name
            worker.host = member?.host ?? ""
            worker.process = member?.process ?? 0
            worker.state = member?.phase ?? ""
            if let span = view.lease?.span {
                worker.span.lower = UInt32(span.lower)
                worker.span.upper = UInt32(span.upper)
            }
            worker.tokensPerSecond = member?.tokensPerSecond ?? 0
            worker.silentSeconds = max(0, now - view.lastHeard)
            worker.residentBytes = member?.residentBytes ?? 0
            worker.instructionSet = member?.instructionSet ?? ""
            worker.steps = UInt64(view.completedSteps)
            worker.seconds = member?.seconds ?? []
            return worker
        }
        status.partitions = partitionStatus(now: now)
        status.waiting = waitingFor(now: now)
        status.counters = (peers.counters.list + coordinator.statistics.list).map { WireCounter($0.0, $0.1) }
        return status
    }

    /// The status, not older than a few milliseconds: however many ask, it costs little.
    func recentStatus() -> WireStatus {
        let now = MonotonicClock.seconds
        if let lastStatus, now - lastStatus.at < Self.statusSeconds { return lastStatus.status }
        let status = status()
        lastStatus = (now, status)
        return status
    }

    private var phaseName: String {
        if let busyness { return busyness }
        return switch coordinator.phase {
        case .gathering: "waiting for workers"
        case .training, .summing, .applying: coordinator.workerViews.isEmpty ? "waiting for workers" : "training"
        case .evaluating: coordinator.workerViews.isEmpty ? "waiting for workers" : "evaluating"
        case .finished: "finished"
        }
    }

    // MARK: - Snapshots

    func answer(_ request: WireSnapshotRequest, from peer: RoutingIdentifier) {
        // Half of the weights may be new: until all are, the question waits.
        guard application == nil else { return postpone(request, from: peer) }
        let now = MonotonicClock.seconds
        let version: Int
        switch request.which {
        case .newest, .UNRECOGNIZED: version = coordinator.step
        case .best: version = progress.bestStep
        case .version: version = Int(clamping: request.version)
        }
        if request.which == .best, progress.bestValidationLoss == nil {
            return refuse(peer, .unknownVersion, "nothing has been evaluated yet, so there is no best version")
        }
        let kept = snapshots.snapshot(version: version, now: now)
        if kept == nil {
            // Making one takes time that the run lacks: a flood of questions shall not stop it.
            guard snapshots.mayMakeOne(now: now) else { return postpone(request, from: peer) }
            guard snapshots.makeRoom(now: now) else {
                peers.counters.refusedSnapshots += 1
                return refuse(peer, .unknownVersion, "clients still read too many other versions; ask again later")
            }
        }
        guard let snapshot = kept ?? makeSnapshot(version: version, now: now) else {
            return refuse(
                peer, .unknownVersion,
                "version \(version) is neither the newest (\(coordinator.step)) nor in a checkpoint that was kept"
            )
        }
        var answer = WireSnapshot()
        answer.version = UInt64(snapshot.version)
        answer.runJson = .init(snapshot.runJSON)
        answer.tokenizerJson = .init(corpus.tokenizer.json())
        answer.chunks = UInt32(snapshot.chunks.count)
        peers.answer(.snapshot(answer), to: peer)
    }

    func answer(_ request: WireSnapshotChunkRequest, from peer: RoutingIdentifier) {
        let version = Int(clamping: request.version)
        guard let snapshot = snapshots.snapshot(version: version, now: MonotonicClock.seconds) else {
            return refuse(peer, .unknownVersion, "version \(version) was let go of; ask for a snapshot again")
        }
        guard request.chunk < snapshot.chunks.count else { return refuse(peer, .malformed, "no such chunk") }
        var answer = WireSnapshotChunk()
        answer.version = request.version
        answer.chunk = request.chunk
        peers.answer(.snapshotChunk(answer), shared: snapshot.frame(ofChunk: Int(request.chunk)), to: peer)
    }

    private func makeSnapshot(version: Int, now: Double) -> WeightSnapshot? {
        let chunks: [FrameBox]
        var record = record(version: version, withState: false)
        if version == coordinator.step, !isKeptAsBest(version) {
            guard let read = try? partitions.weights() else { return nil }
            chunks = read
        } else {
            guard let folder = checkpoints.folder(step: version), let read = try? read(folder),
                let json = try? folder.read(CheckpointFile.run),
                let written = try? RunRecord.decode(json, path: folder.path)
            else { return nil }
            chunks = read
            record = written.0
            record.carriedState = nil
        }
        guard let json = try? record.json(configuration: options.configuration.json()) else { return nil }
        let snapshot = WeightSnapshot(version: version, runJSON: json, chunks: chunks, life: snapshots.life, now: now)
        snapshots.keep(snapshot, now: MonotonicClock.seconds, tookSeconds: MonotonicClock.seconds - now)
        return snapshot
    }

    private func read(_ folder: CheckpointFolder) throws -> [FrameBox] {
        let model = try folder.tensors(CheckpointFile.model)
        return try task.layout.chunks.map { chunk in
            let tensor = task.layout.tensors[chunk.tensor]
            let description = try model.tensor(tensor.name, type: .float32, shape: tensor.shape)
            let start = chunk.rows.lowerBound * tensor.columns * MemoryLayout<Float>.stride
            let count = chunk.elements.count * MemoryLayout<Float>.stride
            return model.withBytes(of: description) { bytes in
                FrameBox(Frame(copying: UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])))
            }
        }
    }

    // MARK: - Data

    func answer(_ request: WireDataRequest, from worker: WorkerIdentifier) {
        guard let member = members[worker] else { return }
        guard let file = dataFiles.first(where: { $0.name == request.name }),
            request.bytes <= UInt32(WireLimits.tensorFrameBytesMaximum),
            request.offset <= UInt64(file.reference.bytes),
            let handle = FileHandle(forReadingAtPath: file.reference.path)
        else { return refuse(member.peer, .malformed, "no such data") }
        defer { try? handle.close() }
        do {
            try handle.seek(toOffset: request.offset)
            let data = try handle.read(upToCount: Int(request.bytes)) ?? Data()
            var block = WireDataBlock()
            block.name = request.name
            block.offset = request.offset
            peers.answer(.dataBlock(block), frames: FrameList(Frame(copying: [UInt8](data))), to: member.peer)
        } catch {
            refuse(member.peer, .malformed, "the data cannot be read")
        }
    }
}
