// A step on its way through the partitions.

import Cluster
import Messaging
import Numerics
import Platform
import WireProtocol

/// A step that partitions are applying.
struct StepApplication {
    /// The number of the sum of gradients that is applied.
    var sum: Int
    /// The version that it is applied to.
    var version: Int
    /// Without common steps: whose update it is.
    var update: Update?
    /// The shards whose gradients it is the sum of.
    var span: ShardRange
    var outcome: StepOutcome
    /// The norm of the mean gradient before clipping.
    var gradientNorm: Double
    /// When the partitions were told.
    var since: Double
}

extension ParameterServer {
    /// How long nothing may be seen of the last gradients of a step on their way before its spans are leased again.
    private static let sumsSecondsMax = 5.0
    /// How long a partition that applies a step may show no sign of it.
    private static let applicationSecondsMax = 30.0
    /// The most clients that may wait for a snapshot at once.
    private static let waitingClientsMax = 2048

    /// Something came from a partition server: goes on if nobody else is waited for.
    func advance() {
        for suspicion in partitions.takeSuspicions() {
            carryOut(
                .gradientUnusable(
                    WorkerIdentifier([UInt8](suspicion.worker)), sum: Int(clamping: suspicion.sum),
                    shard: Int(suspicion.node.lower)))
        }
        carryOut(nextActions())
    }

    /// What the coordinator asks for once all partitions have done what they were waited for.
    func nextActions() -> [CoordinatorAction] {
        var actions: [CoordinatorAction] = []
        for sum in sumsAwaitedSince.keys.sorted() where partitions.isReduced(sum) {
            sumsAwaitedSince[sum] = nil
            // The norm says whether all is finite: no gradient is read once more for that.
            let isUsable = GradientLimit.allows(sumOfSquares: partitions.gradientNorm(of: sum).sumOfSquares)
            if !isUsable { peers.counters.stepsRefused += 1 }
            actions += coordinator.handle(
                isUsable ? .reduced(step: sum) : .sumUnusable(sum), now: MonotonicClock.seconds)
        }
        // What was being applied may be done as well: no further message would tell.
        guard let application, partitions.holds(version: application.version + 1) else { return actions }
        self.application = nil
        carriedStates.advance(application.span)
        progress.noteStep(
            loss: application.outcome.meanLoss, tokens: application.outcome.tokens,
            part: Double(application.span.count) / Double(tree.shards),
            gradientNorm: application.gradientNorm, now: MonotonicClock.seconds)
        noteLoss(of: application)
        record(application)
        actions += coordinator.handle(.applied(version: application.version + 1), now: MonotonicClock.seconds)
        answerWaitingClients()
        return actions
    }

    /// This process itself stood still for a while (a slow disk, a stopped process): what came meanwhile waits unread,
    /// and nobody's time ran.
    func forgiveStall(seconds: Double) {
        for worker in members.keys.sorted() { carryOut(.heard(worker)) }
        carryOut(.stalled(seconds: seconds))
        sumsAwaitedSince = sumsAwaitedSince.mapValues { $0 + seconds }
        application?.since += seconds
    }

    /// Ends waits that have lasted too long, while no partition showed that it is at work on what is waited for.
    func watchPartitions() {
        let now = MonotonicClock.seconds
        for link in partitions.links where link.takeSignOfWork() { workedAt = now }
        for (sum, since) in sumsAwaitedSince.sorted(by: { $0.key < $1.key })
        where now - max(since, workedAt) > Self.sumsSecondsMax {
            sumsAwaitedSince[sum] = nil
            peers.counters.stepsRepeated += 1
            let waiting = partitions.lacking(sum).map(\.text).joined(separator: ", ")
            logger.warning(
                "gradients were lost on their way; they are computed again",
                metadata: ["step": "\(coordinator.step)", "waiting": "\(waiting)"])
            partitions.drop(sum)
            ledger.forgetSpans(of: sum)
            carryOut(.gradientsLost(step: sum))
        }
        if let application, now - max(application.since, workedAt) > Self.applicationSecondsMax {
            for link in partitions.links where link.version == application.version {
                link.lose(
                    "did not apply version \(application.version + 1): no sign of work for "
                        + "\(Int(Self.applicationSecondsMax)) s")
            }
        }
    }

    /// Answers those whose questions had to wait. Those that must wait longer are kept again.
    func answerWaitingClients() {
        let clients = waitingClients
        waitingClients = [:]
        for (peer, request) in clients { answer(request, from: peer) }
    }

    /// Keeps a client's question until the step is applied, or until a snapshot may be made again.
    func postpone(_ request: WireSnapshotRequest, from peer: RoutingIdentifier) {
        guard waitingClients.count < Self.waitingClientsMax || waitingClients[peer] != nil else {
            peers.counters.refusedSnapshots += 1
            return refuse(peer, .unknownVersion, "too many clients wait for a snapshot; ask again")
        }
        waitingClients[peer] = request
    }

    /// The processes that hold the parameters, if this is not the only one.
    func partitionStatus(now: Double) -> [WirePartitionStatus] {
        guard !partitions.links.isEmpty else { return [] }
        var own = WirePartitionStatus()
        own.endpoint = "\(peers.advertised)"
        own.chunks = WireChunkRange(partitions.own.chunks)
        own.parameters = UInt64(partitions.own.parameterCount)
        own.residentBytes = UInt64(CurrentProcess.residentBytes)
        own.seconds = clock.report
        return [own]
            + partitions.links.map { link in
                var status = WirePartitionStatus()
                status.endpoint = "\(link.endpoint)"
                status.chunks = WireChunkRange(link.chunks)
                status.parameters = UInt64(link.chunks.reduce(0) { $0 + task.layout.chunks[$1].elements.count })
                status.residentBytes = link.report?.residentBytes ?? 0
                status.silentSeconds = now - link.lastHeard
                status.seconds = (link.report?.seconds ?? []).prefix(WireLimits.activitiesMaximum).filter(\.isPlausible)
                return status
            }
    }
}
