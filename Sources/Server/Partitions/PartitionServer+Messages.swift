// What comes in at a partition server.

import Messaging
import Numerics
import Platform
import WireProtocol

extension PartitionServer {
    /// Answers a message. Nothing that a peer sends can do more than be counted and refused.
    func take(_ received: consuming PeerSocket.Received) {
        let peer = received.peer
        let header = received.header
        let connection = received.connection
        guard let body = header.body, peers.permits(body, from: peer, with: received.rights) else { return }
        if case .partitionAssignment(let assignment) = body { return take(assignment, header: header, from: peer) }
        // All else must belong to the run and the life that is served.
        guard let tenure, header.run == peers.run, header.incarnation == peers.incarnation else {
            peers.counters.staleIncarnation += 1
            let served = tenure == nil ? "no run" : "life \(peers.incarnation) of run \(peers.run)"
            return peers.refuse(peer, .staleIncarnation, "this partition serves \(served)")
        }
        if tenure.workers.contains(peer) { peers.connections.protect(connection) }
        switch body {
        case .attach(let attach): self.attach(peer, attach, tenure)
        case .push(let push): accept(push, frames: received.frames, from: peer, tenure)
        case .pushes(let several):
            for push in several.pushes { accept(push, frames: FrameList(), from: peer, tenure) }
        case .partitionState, .partitionApply, .partitionSend, .partitionFetch, .partitionPing, .partitionForget,
            .partitionRestart, .goodbye:
            guard peer == tenure.primary else {
                peers.counters.malformed += 1
                return peers.refuse(peer, .malformed, "only the primary may say so")
            }
            peers.connections.protect(connection)
            self.tenure?.lastHeard = MonotonicClock.seconds
            self.tenure?.isReportedSilent = false
            obey(body, frames: received.frames, tenure)
        default:
            peers.counters.malformed += 1
            peers.refuse(peer, .malformed, "a partition server does not take this kind of message")
        }
    }

    // MARK: - Workers

    /// From now on the socket knows where to send the worker's weights.
    private func attach(_ worker: RoutingIdentifier, _ attach: WireAttach, _ tenure: Tenure) {
        guard tenure.isLoaded else { return peers.refuse(worker, .unknownVersion, "the parameters are not here yet") }
        guard tenure.workers.count < Self.workersMax || tenure.workers.contains(worker) else {
            peers.counters.refusedWorkers += 1
            return peers.refuse(worker, .unspecified, "\(Self.workersMax) workers are here already")
        }
        self.tenure?.workers.insert(worker)
        self.tenure?.gradients[worker] = SharedMemory(attach.hasGradients ? attach.gradients : nil)
        peers.answer(.attached(WireAttached()), to: worker)
    }

    private func accept(
        _ push: WirePush, frames: consuming FrameList, from worker: RoutingIdentifier, _ tenure: Tenure
    ) {
        guard tenure.isLoaded else { return peers.refuse(worker, .unknownVersion, "the parameters are not here yet") }
        let partition = tenure.partition
        // Only who was sent weights can have computed anything, and only by the primary's word.
        guard tenure.admitted.contains(worker), partition.takes(from: worker) else {
            peers.counters.stalePushes += 1
            return
        }
        let everything = ReductionTree(shards: tenure.assignment.shards).root
        switch partition.accept(
            push, frames: frames, within: everything, memory: partition.isSynchronous ? tenure.gradients[worker] : nil)
        {
        case .accepted: break
        case .completed:
            var reduced = WirePartitionReduced()
            reduced.sum = push.sum
            reduced.normPartials = partition.normPartials(of: Int(clamping: push.sum))
            reduced.restarts = tenure.restarts
            peers.send(.partitionReduced(reduced), to: tenure.primary)
        case .duplicate: peers.counters.duplicatePushes += 1
        case .stale: peers.counters.stalePushes += 1
        case .impossible:
            peers.counters.malformed += 1
            peers.refuse(worker, .malformed, "a gradient of impossible shape")
        case .unusable:
            var suspicion = WirePartitionSuspicion()
            suspicion.sum = push.sum
            suspicion.worker = .init(worker.bytes)
            suspicion.node = push.node
            suspicion.restarts = tenure.restarts
            peers.send(.partitionSuspicion(suspicion), to: tenure.primary)
        }
    }

    // MARK: - The primary

    private func obey(_ body: WireHeader.OneOf_Body, frames: consuming FrameList, _ tenure: Tenure) {
        switch body {
        case .partitionState(let state): take(state, frames: frames, tenure)
        case .partitionApply(let order): apply(order, tenure)
        case .partitionSend(let order): send(order, tenure)
        case .partitionFetch(let request): answer(request, tenure)
        case .partitionPing: report()
        case .partitionRestart(let order):
            guard tenure.isLoaded, order.sum == UInt64(clamping: tenure.partition.version) else {
                return refuse(tenure, "sum \(order.sum) cannot begin anew at version \(tenure.partition.version)")
            }
            self.tenure?.restarts = order.restarts
            tenure.partition.restart(
                refusing: Set(order.refused.map { RoutingIdentifier(Frame(copying: [UInt8]($0))) }))
        case .partitionForget(let order) where order.sum > 0:
            tenure.partition.drop(Int(clamping: order.sum))
        case .partitionForget(let order):
            let worker = RoutingIdentifier(Frame(copying: [UInt8](order.worker)))
            self.tenure?.gradients[worker] = nil
            self.tenure?.workers.remove(worker)
            self.tenure?.admitted.remove(worker)
        case .goodbye(let goodbye): dismissal = goodbye.explanation
        default: break
        }
    }

    /// Tells the primary that something cannot be: it ends its life, and the next one starts from a checkpoint.
    private func refuse(_ tenure: Tenure, _ explanation: String) {
        peers.counters.malformed += 1
        logger.error("refused", metadata: ["reason": "\(explanation)"])
        peers.refuse(tenure.primary, .malformed, explanation)
    }

    private func take(_ state: WirePartitionState, frames received: consuming FrameList, _ tenure: Tenure) {
        var frames = received
        let chunk = Int(state.chunk)
        guard tenure.missing.contains(chunk), (1...ParameterKind.allCases.count).contains(frames.count) else {
            return refuse(tenure, "the state of a chunk that was not waited for")
        }
        for kind in ParameterKind.allCases {
            guard let frame = frames.popFirst() else { break }
            let fits = frame.withUnsafeBytes { tenure.partition.store.load(kind, chunk: chunk, from: $0) }
            guard fits else { return refuse(tenure, "the state of chunk \(chunk) has another size") }
        }
        self.tenure?.missing.remove(chunk)
        if self.tenure?.isLoaded == true { report() }
    }

    private func apply(_ order: WirePartitionApply, _ tenure: Tenure) {
        let partition = tenure.partition
        guard tenure.isLoaded, partition.isReduced(Int(clamping: order.sum)),
            order.update > 0, order.update < UInt64(Int.max), order.gradientScale.isFinite
        else { return refuse(tenure, "sum \(order.sum) cannot be applied to version \(partition.version)") }
        let step = tenure.assignment.optimizer.step(
            update: Int(order.update), gradientScale: order.gradientScale)
        partition.apply(Int(order.sum), step, to: order.recipients.map { recipient([UInt8]($0), tenure) }, over: peers)
        var applied = WirePartitionApplied()
        applied.version = UInt64(partition.version)
        peers.send(.partitionApplied(applied), to: tenure.primary)
    }

    private func send(_ order: WirePartitionSend, _ tenure: Tenure) {
        guard tenure.isLoaded, order.version == UInt64(tenure.partition.version) else {
            return refuse(tenure, "version \(order.version) is not the one that is here")
        }
        let recipient = recipient([UInt8](order.worker), tenure)
        if tenure.admitted.count < Self.workersMax { self.tenure?.admitted.insert(recipient.peer) }
        tenure.partition.sendAll(to: recipient, over: peers)
    }

    private func recipient(_ worker: [UInt8], _ tenure: Tenure) -> WeightsRecipient {
        let peer = RoutingIdentifier(Frame(copying: worker))
        return WeightsRecipient(
            peer: peer, sharesMemory: tenure.partition.isSynchronous && tenure.gradients[peer] != nil)
    }

    private func answer(_ request: WirePartitionFetch, _ tenure: Tenure) {
        let chunk = Int(request.chunk)
        guard tenure.isLoaded, let kind = ParameterKind(request.kind), tenure.partition.chunks.contains(chunk) else {
            return refuse(tenure, "no such values")
        }
        var values = WirePartitionValues()
        values.kind = request.kind
        values.chunk = request.chunk
        values.version = UInt64(tenure.partition.version)
        peers.send(
            .partitionValues(values), frames: FrameList(tenure.partition.store.frame(kind, chunk: chunk)),
            to: tenure.primary)
    }
}
