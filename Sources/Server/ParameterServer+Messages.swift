// What comes in: checked here, then handed to the coordinator, the reduction, or a client's answer.

import Cluster
import Messaging
import Numerics
import Platform
import WireProtocol

/// What was refused or dropped, by reason; shown in status reports.
struct ServerCounters {
    var malformed = 0
    var wrongRun = 0
    var staleIncarnation = 0
    var unknownWorker = 0
    var stalePushes = 0
    var duplicatePushes = 0
    var workersLost = 0
    var stepsRefused = 0
    var unreachablePeers = 0

    var list: [(String, Int)] {
        [
            ("malformed", malformed), ("wrong-run", wrongRun), ("stale-incarnation", staleIncarnation),
            ("unknown-worker", unknownWorker), ("stale-pushes", stalePushes), ("duplicate-pushes", duplicatePushes),
            ("workers-lost", workersLost), ("steps-refused", stepsRefused), ("unreachable-peers", unreachablePeers),
        ]
    }
}

extension ParameterServer {
    /// Takes a message apart and answers it. Nothing that a peer sends can do more than be counted and refused.
    func receive(_ received: consuming FrameList) {
        var message = received
        guard let name = message.popFirst(), let header = message.popFirst() else {
            counters.malformed += 1
            return
        }
        let peer = RoutingIdentifier(name)
        do {
            let decoded = try header.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
            dispatch(decoded, frames: message, from: peer)
        } catch {
            counters.malformed += 1
            let reason: WireRefusalReason = if case .protocolVersion = error { .protocolVersion } else { .malformed }
            refuse(peer, reason, "\(error)")
        }
    }

    private func dispatch(_ header: WireHeader, frames: consuming FrameList, from peer: RoutingIdentifier) {
        guard let body = header.body else { return }
        switch body {
        case .hello(let hello): return welcome(hello, from: peer)
        case .statusRequest: return send(.status(status()), to: peer)
        case .snapshotRequest(let request): return answer(request, from: peer)
        case .snapshotChunkRequest(let request): return answer(request, from: peer)
        case .workerDeath(let death): return noteDeath(death, from: peer)
        case .stopRequest:
            send(.acknowledgement(WireAcknowledgement()), to: peer)
            return carryOut(.stopRequested)
        case .welcome, .refusal, .lease, .weights, .dataBlock, .goodbye, .heartbeatReply, .status, .snapshot,
            .snapshotChunk, .acknowledgement:
            counters.malformed += 1
            return refuse(peer, .malformed, "a server does not take this kind of message")
        case .ready, .push, .spanDone, .heartbeat, .leave, .dataRequest, .computationFailed: break
        }
        // From here on the message must belong to this run and this life of the server.
        guard header.run == directory.identity.run else {
            counters.wrongRun += 1
            return refuse(peer, .run, "this server has run \(directory.identity.run)")
        }
        guard header.incarnation == directory.identity.incarnation else {
            counters.staleIncarnation += 1
            return refuse(peer, .staleIncarnation, "this is life \(directory.identity.incarnation) of the server")
        }
        if case .heartbeat(let heartbeat) = body { return noteHeartbeat(heartbeat, from: peer) }
        let worker = WorkerIdentifier(peer.bytes)
        guard members[worker] != nil else {
            counters.unknownWorker += 1
            return refuse(peer, .unknownWorker, "say hello first; a worker that was silent for too long is forgotten")
        }
        members[worker]?.lastHeard = MonotonicClock.seconds
        carryOut(.heard(worker))
        switch body {
        case .ready(let ready): noteReady(ready, from: worker)
        case .push(let push): accept(push, frames: frames, from: worker)
        case .spanDone(let done): accept(done, frames: frames, from: worker)
        case .leave(let leave): carryOut(.workerGone(worker, reason: "left: \(leave.reason)"))
        case .dataRequest(let request): answer(request, from: worker)
        case .computationFailed(let failure):
            carryOut(
                .computationFailed(
                    worker, step: Int(clamping: failure.step), shard: Int(failure.shard), reason: failure.reason))
        default: break
        }
    }

    // MARK: - Workers

    private func welcome(_ hello: WireHello, from peer: RoutingIdentifier) {
        guard end == nil else { return refuse(peer, .finished, "the run has ended") }
        let worker = WorkerIdentifier(peer.bytes)
        let name = hello.name.isEmpty ? "\(peer)" : String(hello.name.prefix(WireLimits.nameBytesMaximum))
        members[worker] = Member(
            peer: peer, name: name, host: String(hello.host.prefix(WireLimits.nameBytesMaximum)),
            process: hello.process, instance: String(hello.instance.prefix(WireLimits.nameBytesMaximum)),
            instructionSet: String(hello.instructionSet.prefix(20)), lastHeard: MonotonicClock.seconds)
        var welcome = WireWelcome()
        welcome.configurationJson = .init(options.configuration.json())
        welcome.tokenizerJson = .init(corpus.tokenizer.json())
        welcome.heartbeatIntervalSeconds = coordinator.rules.silenceLimitSeconds / 5
        welcome.silenceLimitSeconds = coordinator.rules.silenceLimitSeconds
        welcome.version = UInt64(coordinator.version)
        welcome.files = dataFiles.map { name, reference in
            var file = WireDataFile()
            file.name = name
            file.path = reference.path
            file.bytes = UInt64(reference.bytes)
            file.sha256 = reference.sha256
            return file
        }
        send(.welcome(welcome), to: peer)
    }

    private func noteReady(_ ready: WireReady, from worker: WorkerIdentifier) {
        if ready.joins {
            logger.notice("worker joined", metadata: ["worker": "\(members[worker]?.name ?? "")"])
            members[worker]?.phase = "idle"
            carryOut(
                .workerReady(
                    worker, name: members[worker]?.name ?? "",
                    process: members[worker]?.instance ?? ""))
        } else {
            carryOut(.acknowledged(worker, version: Int(clamping: ready.version)))
        }
    }

    private func noteHeartbeat(_ heartbeat: WireHeartbeat, from peer: RoutingIdentifier) {
        let worker = WorkerIdentifier([UInt8](heartbeat.worker))
        var reply = WireHeartbeatReply()
        reply.known = members[worker] != nil
        if reply.known {
            members[worker]?.residentBytes = heartbeat.residentBytes
            members[worker]?.lastHeard = MonotonicClock.seconds
            carryOut(.heard(worker))
        }
        send(.heartbeatReply(reply), to: peer)
    }

    /// The supervisor saw the process end: its worker's lease is free at once.
    private func noteDeath(_ death: WireWorkerDeath, from peer: RoutingIdentifier) {
        for (worker, member) in members where member.name == death.name && member.process == death.process {
            carryOut(.workerGone(worker, reason: "its process ended"))
        }
        send(.acknowledgement(WireAcknowledgement()), to: peer)
    }

    func dismiss(_ worker: WorkerIdentifier, reason: String) {
        guard let member = members.removeValue(forKey: worker) else { return }
        counters.workersLost += 1
        logger.warning("worker lost", metadata: ["worker": "\(member.name)", "reason": "\(reason)"])
        refuse(member.peer, .unknownWorker, reason)
    }

    // MARK: - Partial sums

    private func accept(_ push: WirePush, frames: consuming FrameList, from worker: WorkerIdentifier) {
        guard let lease = coordinator.lease(of: worker), lease.work == .training, coordinator.phase == .training,
            push.step == UInt64(coordinator.version)
        else {
            counters.stalePushes += 1
            return
        }
        let lower = Int(push.node.lower)
        let upper = Int(push.node.upper)
        let chunk = Int(push.chunk)
        guard lower < upper, lease.span.contains(ShardRange(lower, upper)), tree.isNode(ShardRange(lower, upper)),
            chunk < task.layout.chunks.count, let payload = payload(of: push, frames: frames)
        else {
            counters.malformed += 1
            return carryOut(.workerGone(worker, reason: "sent a gradient of impossible shape"))
        }
        let columns = task.layout.tensors[task.layout.chunks[chunk].tensor].columns
        let verdict = reduction.insert(payload, chunk: chunk, node: ShardRange(lower, upper)) {
            GradientPayload.sum($0, $1, columns: columns)
        }
        if verdict == .duplicate { counters.duplicatePushes += 1 }
    }

    /// The values of a push, if their sizes are those of the chunk.
    private func payload(of push: WirePush, frames received: consuming FrameList) -> GradientPayload? {
        var frames = received
        let chunk = task.layout.chunks[Int(push.chunk)]
        let tensor = task.layout.tensors[chunk.tensor]
        guard push.isSparse == tensor.isRowSparse else { return nil }
        guard push.isSparse else {
            guard frames.count == 1, var values = frames.popFirst(),
                values.count == chunk.elements.count * MemoryLayout<Float>.stride
            else { return nil }
            _ = values.align()
            return .dense(FrameBox(values))
        }
        guard push.sparseRows > 0 else { return frames.isEmpty ? .sparse(rows: [], values: FrameBox(Frame())) : nil }
        let count = Int(push.sparseRows)
        guard count <= chunk.rows.count, frames.count == 2, let numbers = frames.popFirst(),
            var values = frames.popFirst(), numbers.count == count * 4,
            values.count == count * tensor.columns * MemoryLayout<Float>.stride
        else { return nil }
        let rows = numbers.elements(of: UInt32.self)
        guard let first = rows.first, let last = rows.last, Int(first) >= chunk.rows.lowerBound,
            Int(last) < chunk.rows.upperBound, zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        _ = values.align()
        return .sparse(rows: rows, values: FrameBox(values))
    }

    private func accept(_ done: WireSpanDone, frames received: consuming FrameList, from worker: WorkerIdentifier) {
        var frames = received
        guard let lease = coordinator.lease(of: worker), lease.identifier == Int(clamping: done.lease) else {
            counters.stalePushes += 1
            return
        }
        // Sums of these must stay numbers; a worker that finds a loss that is not finite says so in another message.
        guard done.outcomes.allSatisfy({ $0.loss.isFinite && $0.tokens <= UInt32.max }) else {
            counters.malformed += 1
            return carryOut(.workerGone(worker, reason: "reported impossible losses"))
        }
        let outcomes = done.outcomes.map {
            ShardOutcome(shard: Int($0.shard), loss: $0.loss, tokens: Int(clamping: $0.tokens))
        }
        if lease.work == .training {
            guard reduction.covers(lease.span), frames.count == lease.span.count else {
                counters.malformed += 1
                return carryOut(.workerGone(worker, reason: "reported a span without all of its gradients"))
            }
            let sizes = lease.span.indices.enumerated().map { position, shard in
                frames.byteCount(at: position) == task.carriedStateCount(ofShard: shard) * MemoryLayout<Float>.stride
            }
            guard sizes.allSatisfy({ $0 }) else {
                counters.malformed += 1
                return carryOut(.workerGone(worker, reason: "sent carried states of impossible shape"))
            }
            for shard in lease.span.indices {
                guard let state = frames.popFirst() else { break }
                carriedStates.deliver(shard: shard, values: state.elements(of: Float.self), holder: worker.bytes)
            }
        }
        let tokens = outcomes.reduce(0) { $0 + $1.tokens }
        if lease.work == .training, done.computeSeconds > 0 {
            members[worker]?.tokensPerSecond = Double(tokens) / done.computeSeconds
        }
        members[worker]?.phase = "idle"
        carryOut(.spanDone(worker, lease: lease.identifier, outcomes: outcomes))
    }
}
