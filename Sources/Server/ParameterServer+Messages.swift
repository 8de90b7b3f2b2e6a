// What comes in: checked here, then handed to the coordinator, the reduction, or a client's answer.

import Cluster
import Messaging
import Numerics
import Platform
import WireProtocol

extension ParameterServer {
    /// Answers a message. Nothing that a peer sends can do more than be counted and refused.
    func take(_ received: consuming PeerSocket.Received) {
        let peer = received.peer
        let header = received.header
        let connection = received.connection
        guard let body = header.body, peers.permits(body, from: peer, with: received.rights) else { return }
        guard !isAttending || canAttend(to: body) else { return postponed.append(received) }
        let frames = received.frames
        switch body {
        case .hello(let hello): return welcome(hello, from: peer)
        case .statusRequest:
            watchers.note(peer, now: MonotonicClock.seconds)
            return peers.answer(.status(recentStatus()), to: peer)
        case .snapshotRequest(let request): return answer(request, from: peer)
        case .snapshotChunkRequest(let request): return answer(request, from: peer)
        case .workerDeath(let death): return noteDeath(death, from: peer)
        case .stopRequest:
            peers.answer(.acknowledgement(WireAcknowledgement()), to: peer)
            return carryOut(.stopRequested)
        case .welcome, .refusal, .lease, .weights, .dataBlock, .goodbye, .heartbeatReply, .status, .snapshot,
            .snapshotChunk, .acknowledgement, .attach, .attached, .partitionAssignment, .partitionState,
            .partitionApply, .partitionSend, .partitionFetch, .partitionPing, .partitionForget, .partitionRestart,
            .partitionReport, .partitionSuspicion, .partitionReduced, .partitionApplied, .partitionValues:
            peers.counters.malformed += 1
            return refuse(peer, .malformed, "a server does not take this kind of message")
        case .ready, .push, .pushes, .spanDone, .heartbeat, .leave, .dataRequest, .computationFailed: break
        }
        // From here on the message must belong to this run and this life of the server.
        guard header.run == directory.identity.run else {
            peers.counters.wrongRun += 1
            return refuse(peer, .run, "this server has run \(directory.identity.run)")
        }
        guard header.incarnation == directory.identity.incarnation else {
            peers.counters.staleIncarnation += 1
            return refuse(peer, .staleIncarnation, "this is life \(directory.identity.incarnation) of the server")
        }
        if case .heartbeat(let heartbeat) = body {
            return noteHeartbeat(heartbeat, from: peer, over: connection)
        }
        let worker = WorkerIdentifier(peer.bytes)
        guard members[worker] != nil else {
            // Its heartbeat has said so before.
            if case .leave = body { return }
            peers.counters.unknownWorker += 1
            return refuse(peer, .unknownWorker, "say hello first; a worker that was silent for too long is forgotten")
        }
        peers.connections.protect(connection)
        members[worker]?.lastHeard = MonotonicClock.seconds
        if !isAttending { carryOut(.heard(worker)) }
        switch body {
        case .ready(let ready): noteReady(ready, from: worker)
        case .push(let push): accept(push, frames: frames, from: worker)
        case .pushes(let several): for push in several.pushes { accept(push, frames: FrameList(), from: worker) }
        case .spanDone(let done): accept(done, frames: frames, from: worker)
        case .leave: carryOut(.workerLeft(worker))
        case .dataRequest(let request): answer(request, from: worker)
        case .computationFailed(let failure):
            members[worker]?.phase = "idle"
            carryOut(
                .computationFailed(
                    worker, step: Int(clamping: failure.step), shard: Int(failure.shard),
                    reason: ForeignText.shown(failure.reason, bytesMax: ForeignText.nameBytesMax)))
        default: break
        }
    }

    // MARK: - Workers

    private func welcome(_ hello: WireHello, from peer: RoutingIdentifier) {
        guard end == nil else { return refuse(peer, .finished, "the run has ended") }
        let worker = WorkerIdentifier(peer.bytes)
        guard members[worker] != nil || members.count < Self.membersMax else {
            peers.counters.refusedWorkers += 1
            return refuse(peer, .unspecified, "\(Self.membersMax) workers are here already")
        }
        let name = hello.name.isEmpty ? "\(peer)" : ForeignText.limited(hello.name)
        let instance = ForeignText.limited(hello.instance)
        if let reason = coordinator.refusal(of: [instance, name], now: MonotonicClock.seconds) {
            peers.counters.refusedWorkers += 1
            return refuse(peer, .keptOut, reason)
        }
        members[worker] = Member(
            peer: peer, name: name, host: ForeignText.limited(hello.host),
            process: hello.process, instance: instance,
            instructionSet: ForeignText.limited(hello.instructionSet, bytesMax: 20),
            lastHeard: MonotonicClock.seconds)
        var welcome = WireWelcome()
        welcome.configurationJson = .init(options.configuration.json())
        welcome.tokenizerJson = .init(corpus.tokenizer.json())
        welcome.heartbeatIntervalSeconds = coordinator.rules.silenceLimitSeconds / 5
        welcome.silenceLimitSeconds = coordinator.rules.silenceLimitSeconds
        welcome.version = UInt64(coordinator.version)
        welcome.chunks = WireChunkRange(partitions.own.chunks)
        welcome.partitions = partitions.links.map { link in
            var place = WirePartitionPlace()
            place.endpoint = link.endpoint.text
            place.chunks = WireChunkRange(link.chunks)
            return place
        }
        welcome.files = dataFiles.map { name, reference in
            var file = WireDataFile()
            file.name = name
            file.path = reference.path
            file.bytes = UInt64(reference.bytes)
            file.sha256 = reference.sha256
            return file
        }
        peers.answer(.welcome(welcome), to: peer)
    }

    private func noteReady(_ ready: WireReady, from worker: WorkerIdentifier) {
        if ready.joins {
            // Said once: whoever says it again is ready already.
            guard members[worker]?.phase == "joining" else { return }
            logger.notice("worker joined", metadata: ["worker": "\(members[worker]?.name ?? "")"])
            members[worker]?.phase = "idle"
            members[worker]?.gradients = SharedMemory(ready.hasGradients ? ready.gradients : nil)
            carryOut(
                .workerReady(
                    worker, name: members[worker]?.name ?? "",
                    process: members[worker]?.instance ?? ""))
        } else {
            carryOut(.acknowledged(worker, version: Int(clamping: ready.version)))
        }
    }

    private func noteHeartbeat(
        _ heartbeat: WireHeartbeat, from peer: RoutingIdentifier, over connection: ConnectionIdentifier?
    ) {
        let worker = WorkerIdentifier([UInt8](heartbeat.worker))
        var reply = WireHeartbeatReply()
        reply.known = members[worker] != nil
        if reply.known {
            peers.connections.protect(connection)
            members[worker]?.residentBytes = heartbeat.residentBytes
            members[worker]?.lastHeard = MonotonicClock.seconds
            if !isAttending { carryOut(heartbeat.leaves ? .workerLeft(worker) : .heard(worker)) }
        }
        peers.answer(.heartbeatReply(reply), to: peer)
    }

    /// The supervisor saw the process end: its worker's lease is free at once.
    private func noteDeath(_ death: WireWorkerDeath, from peer: RoutingIdentifier) {
        for (worker, member) in members.sorted(by: { $0.key < $1.key })
        where member.name == death.name && member.process == death.process {
            carryOut(.workerGone(worker, reason: "its process ended"))
        }
        peers.answer(.acknowledgement(WireAcknowledgement()), to: peer)
    }

    func dismiss(_ worker: WorkerIdentifier, reason: String) {
        guard let member = forget(worker) else { return }
        peers.counters.workersLost += 1
        logger.warning("worker lost", metadata: ["worker": "\(member.name)", "reason": "\(reason)"])
        refuse(member.peer, .unknownWorker, reason)
    }

    /// What a worker sent cannot be relied on: it is told so, and not let in for a while.
    func expel(_ worker: WorkerIdentifier, reason: String) {
        guard let member = forget(worker) else { return }
        peers.counters.workersLost += 1
        StandIn.note(.workerExpelled(name: member.name))
        logger.error(
            "worker kept out: its results are wrong",
            metadata: [
                "worker": "\(member.name)", "host": "\(member.host)", "process": "\(member.process)",
                "reason": "\(reason)",
            ])
        refuse(member.peer, .keptOut, reason)
    }

    /// A worker has left in order: what it computed goes to others.
    func noteLeft(_ worker: WorkerIdentifier) {
        guard let member = forget(worker) else { return }
        peers.counters.workersLeft += 1
        logger.notice("worker left", metadata: ["worker": "\(member.name)"])
    }

    private func forget(_ worker: WorkerIdentifier) -> Member? {
        guard let member = members.removeValue(forKey: worker) else { return nil }
        partitions.forget(worker.bytes)
        return member
    }

    // MARK: - Partial sums

    private func accept(_ push: WirePush, frames: consuming FrameList, from worker: WorkerIdentifier) {
        guard let lease = coordinator.lease(of: worker), lease.work == .training, coordinator.phase == .training,
            push.sum == UInt64(lease.sum),
            // What belongs to an earlier lease of the same step may come late; it is no lie.
            push.node.lower >= UInt32(lease.span.lower), push.node.upper <= UInt32(lease.span.upper)
        else {
            peers.counters.stalePushes += 1
            return
        }
        switch partitions.own.accept(
            push, frames: frames, within: lease.span,
            memory: partitions.own.isSynchronous ? members[worker]?.gradients : nil)
        {
        case .accepted, .completed: break
        case .duplicate: peers.counters.duplicatePushes += 1
        case .stale: peers.counters.stalePushes += 1
        case .impossible:
            peers.counters.malformed += 1
            carryOut(.misconduct(worker, reason: "sent a gradient of impossible shape"))
        case .unusable: carryOut(.gradientUnusable(worker, sum: lease.sum, shard: Int(push.node.lower)))
        }
    }

    private func accept(_ done: WireSpanDone, frames: consuming FrameList, from worker: WorkerIdentifier) {
        guard let lease = coordinator.lease(of: worker), lease.identifier == Int(clamping: done.lease) else {
            if coordinator.lateLease(of: worker)?.identifier == Int(clamping: done.lease) {
                members[worker]?.phase = "idle"
                return carryOut(.lateSpanDone(worker, lease: Int(clamping: done.lease)))
            }
            peers.counters.stalePushes += 1
            return
        }
        let outcomes = done.outcomes.map {
            ShardOutcome(shard: Int($0.shard), loss: $0.loss, tokens: Int(clamping: $0.tokens))
        }
        members[worker]?.phase = "idle"
        if let reason = impossibility(of: outcomes, lease) {
            peers.counters.malformed += 1
            return carryOut(.misconduct(worker, reason: reason))
        }
        if lease.work == .training {
            guard partitions.own.covers(lease.span, of: lease.sum) else {
                peers.counters.malformed += 1
                return carryOut(.workerGone(worker, reason: "reported a span without all of its gradients"))
            }
            guard
                let states = DeliveredStates(
                    done, frames: frames, counts: lease.span.indices.map(task.carriedStateCount),
                    memory: partitions.own.isSynchronous ? members[worker]?.gradients : nil)
            else {
                peers.counters.malformed += 1
                return carryOut(.misconduct(worker, reason: "sent carried states of impossible shape"))
            }
            for (shard, values) in zip(lease.span.indices, states.values) {
                // With a loss that is not finite the states are none either: the loss says it better.
                guard outcomes.contains(where: { !$0.loss.isFinite }) || values.allSatisfy(\.isFinite) else {
                    return carryOut(.stateUnusable(worker, lease: lease.identifier, shard: shard))
                }
                carriedStates.deliver(
                    shard: shard, values: values, holder: partitions.own.isSynchronous ? worker.bytes : nil)
            }
        }
        let tokens = outcomes.reduce(0) { $0 + $1.tokens }
        let speed = Double(tokens) / done.computeSeconds
        if lease.work == .training, done.computeSeconds > 0, speed.isFinite {
            members[worker]?.tokensPerSecond = speed
        }
        if lease.work == .training {
            ledger.note(lease, outcomes, worker: members[worker]?.name ?? "", seconds: Double(done.computeSeconds))
        }
        members[worker]?.seconds = done.seconds.prefix(WireLimits.activitiesMaximum).filter(\.isPlausible)
        carryOut(.spanDone(worker, lease: lease.identifier, outcomes: outcomes))
    }

    /// What no computation of a lease gives, whatever the data are; `nil` for a report that may be true.
    private func impossibility(of outcomes: [ShardOutcome], _ lease: Lease) -> String? {
        guard outcomes.map(\.shard) == Array(lease.span.indices) else {
            return "reported other shards than those of its lease"
        }
        let expected =
            lease.work == .training
            ? tokenCounts.training(step: lease.step, span: lease.span) : tokenCounts.evaluation(span: lease.span)
        for (outcome, count) in zip(outcomes, expected) {
            let place = "shard \(outcome.shard) of step \(lease.step + 1)"
            guard outcome.tokens == count else {
                return "reported \(Counted.text(outcome.tokens, "token")) for \(place), which has \(count)"
            }
            // A mean of so little is rounding; a loss is no less than nothing.
            guard !(outcome.loss < -1e-3 * Double(count) - 1e-3) else {
                return "reported a loss below zero for \(place)"
            }
        }
        return nil
    }
}
