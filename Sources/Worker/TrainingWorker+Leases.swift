// What a worker does with weights and leases that come in.

import Cluster
import Messaging
import Numerics
import Platform
import Recurrent
import WireProtocol

extension TrainingWorker {
    func take(
        _ header: WireWeights, frames received: consuming FrameList, from origin: ParameterConnections.Origin
    ) throws {
        var frames = received
        guard let computation, let connections,
            !connections.isOutdated(version: Int(clamping: header.version), from: origin)
        else { return }
        let before = clock.enter(.weights)
        defer { clock.enter(before) }
        let memory: UnsafeRawBufferPointer?
        do {
            memory = try connections.memory(of: header, from: origin)
        } catch {
            sharesMemory = false
            return try feed(.refused(reason: "\(error); the weights shall come in messages", isFinal: false))
        }
        let isAccepted =
            connections.mayCome(chunk: Int(header.chunk), from: origin)
            && computation.accept(header, frames: &frames, memory: memory)
        guard isAccepted else { return try feed(.misled(reason: "sent weights of impossible shape")) }
        let version = Int(clamping: header.version)
        let isInPlace = connections.note(version: version, isLast: header.isLast, from: origin)
        try feed(.weightsReceived(version: version, isLast: isInPlace))
    }

    func take(_ header: WireLease, frames received: consuming FrameList) throws {
        var frames = received
        guard let computation, header.span.lower < header.span.upper, header.stateShards.count == frames.count,
            header.span.upper <= UInt32(computation.shards), computation.canCompute(header)
        else { return try feed(.misled(reason: "sent a lease of impossible shape")) }
        leasedStates = [:]
        for shard in header.stateShards {
            guard let frame = frames.popFirst() else { break }
            guard (header.span.lower..<header.span.upper).contains(shard),
                frame.count == computation.task.carriedStateCount(ofShard: Int(shard)) * MemoryLayout<Float>.stride
                    || frame.count == 0
            else { return try feed(.misled(reason: "sent a carried state of impossible shape")) }
            leasedStates[Int(shard)] = frame.elements(of: Float.self)
        }
        try feed(
            .leased(
                Lease(
                    identifier: Int(clamping: header.lease), work: header.work == .evaluation ? .evaluation : .training,
                    step: Int(clamping: header.step),
                    span: ShardRange(Int(header.span.lower), Int(header.span.upper)),
                    version: Int(clamping: header.version), sum: Int(clamping: header.sum))))
    }

    func compute(_ lease: Lease) throws {
        guard let connections, let computation else { return }
        let connection = connections.server
        let began = MonotonicClock.seconds
        let before = clock.enter(lease.work == .training ? .compute : .evaluate)
        defer { clock.enter(before) }
        let result: LeaseResult
        switch lease.work {
        case .training:
            do {
                result = try computation.train(lease, carriedStates: leasedStates, over: connections)
            } catch let problem as LeaseComputation.StateMissing {
                return try feed(.misled(reason: "\(problem)"))
            }
            if !hasSentGradients { logger.info("the first gradients are sent", metadata: ["step": "\(lease.step)"]) }
            hasSentGradients = true
        case .evaluation: result = computation.evaluate(lease)
        }
        // A loss that is no number is reported as it is: the server has another worker compute the same.
        var done = WireSpanDone()
        done.lease = UInt64(lease.identifier)
        done.step = UInt64(lease.step)
        done.computeSeconds = MonotonicClock.seconds - began
        done.seconds = clock.report(computation.phases)
        done.outcomes = result.outcomes.map {
            var outcome = WireShardOutcome()
            outcome.shard = UInt32($0.shard)
            outcome.loss = $0.loss
            outcome.tokens = UInt64($0.tokens)
            return outcome
        }
        var frames = FrameList()
        if lease.work == .training, let place = connections.place(result.states) {
            done.isShared = true
            done.sharedOffset = UInt64(place)
        } else {
            for state in result.states { frames.append(Frame(copyingElements: state)) }
        }
        try connection.send(.spanDone(done), frames: frames)
        try feed(.computed)
    }
}
