// The server's loop: messages in, coordinator's actions out.

import Checkpoints
import Cluster
import Configuration
import Corpora
import Foundation
import Logging
import Messaging
import Numerics
import Optimization
import Platform
import Tasks
import WireProtocol

/// A parameter server: one run, one thread. It holds all parameters, or as the primary of several servers a part.
///
///     let end = try ParameterServer.serve(options, logger: logger)
///
/// `serve` returns after the last step, or after a signal that asks for the end, and a checkpoint.
public final class ParameterServer {
    let options: ServerOptions
    let logger: Logger
    let corpus: PreparedCorpus
    let task: LanguageModelTask
    /// What workers must report.
    var tokenCounts: TokenCounts
    var directory: RunDirectory
    let peers: PeerSocket

    var coordinator: Coordinator
    let partitions: PartitionSet
    /// Since when the last gradients of a sum are on their way, by its number; empty while no step waits for any.
    var sumsAwaitedSince: [Int: Double] = [:]
    /// The step that partitions are applying.
    var application: StepApplication?
    /// Clients that asked for a snapshot when there could be none, each with its last question.
    var waitingClients: [RoutingIdentifier: WireSnapshotRequest] = [:]
    var carriedStates: CarriedStates
    var snapshots = SnapshotStore()
    var watchers = Watchers()
    /// When a partition last showed that it is at work on a step.
    var workedAt = 0.0
    /// Whether the server is in the middle of work that takes long.
    var isAttending = false
    var busySince = 0.0
    var postponed = PostponedMessages()
    /// The last status that was put together, and when.
    var lastStatus: (at: Double, status: WireStatus)?
    /// How long a status is good enough to be told again.
    static let statusSeconds = 0.02
    /// The most workers, with those who have only said hello.
    static let membersMax = 4096
    var checkpoints: CheckpointKeeper
    var ledger = StepRecorder()
    var progress = TrainingProgress()
    var members: [WorkerIdentifier: Member] = [:]
    let clock = ServerClock(.other)
    let tree: ReductionTree
    let startedAt = MonotonicClock.seconds
    var end: RunEnd?
    var solitude = Solitude()
    /// The keys that got other values in the midst of the run.
    let runChanges: [RecordedChange]
    /// Tells when the loss explodes.
    var lossWatch: LossWatch
    /// What to do about the loss that has exploded.
    var explosionAdvice = ""
    var metrics: MetricsFile
    /// Whether the run goes on with a configuration that no checkpoint has yet.
    var configurationIsNews = false
    /// Why the server stops although nobody asked it to.
    var abandonment: String?
    /// Which partition server was asked to end, if one was.
    var departure: String?

    /// What the shell knows of a worker besides what the coordinator does.
    struct Member {
        var peer: RoutingIdentifier
        var name: String
        var host: String
        var process: Int64
        /// A number that no other process has.
        var instance: String
        var instructionSet: String
        var residentBytes: UInt64 = 0
        var phase = "joining"
        var tokensPerSecond = 0.0
        var leaseBegan = 0.0
        /// Where its time went, as it last said.
        var seconds: [WireActivitySeconds] = []
        /// The memory of its gradients, if it is on this machine.
        var gradients: SharedMemory?
        var lastHeard: Double

    }

    /// Serves a run until it ends.
    ///
    /// - Returns: How it ended.
    /// - Throws: `ServerError`; `.training` when a loss or gradient was not finite, `.partition` when a partition
    ///   server was lost.
    public static func serve(_ options: ServerOptions, logger: Logger) throws(ServerError) -> ServerEnd {
        let context: Context
        do { context = try Context() } catch { throw .system("\(error)") }
        // After the server's sockets are closed: workers and partition servers are to hear how the run ended.
        defer { context.terminate(withinMilliseconds: farewellMilliseconds) }
        defer { LongWork.meanwhile(nil) }
        let server = try ParameterServer(options, in: context, logger: logger)
        LongWork.meanwhile { [unowned server] in server.attend() }
        return try server.runToTheEnd()
    }

    /// Opens the run's directory, prepares the data, restores the newest checkpoint if there is one, and listens.
    private init(_ options: ServerOptions, in context: Context, logger: Logger) throws(ServerError) {
        self.options = options
        self.logger = logger
        // First the port: a server that cannot listen must leave a run's directory as it is.
        do {
            peers = try PeerSocket(
                options.endpoint, isInsecure: options.isInsecure, keys: options.keys, listener: options.listener,
                in: context, clock: clock)
        } catch .endpoint(let problem) {
            guard let process = RunDirectory.livingServer(in: options.output) else { throw .endpoint(problem) }
            throw .endpoint("\(problem); the server of this run is running, with process id \(process)")
        } catch {
            throw error
        }
        directory = try RunDirectory(
            path: options.output, configuration: options.configuration, resumes: options.resumes,
            acceptsChanges: options.acceptsChanges)
        if let remark = directory.remark { logger.warning("\(remark)") }
        // From here on clients and workers hear that the server lives, and a signal ends it at once.
        let vestibule = Vestibule(peers, output: directory.path)
        LongWork.meanwhile { vestibule.answer() }
        let place = DataPlace(directory)
        (corpus, task) = try vestibule.prepare("preparing the data") {
            Result { () throws(ServerError) in
                let corpus = try Self.prepareCorpus(options.configuration, in: place, logger: logger)
                try Self.requireMemory(options, corpus)
                do {
                    return (corpus, try LanguageModelTask(options.configuration, corpus: corpus))
                } catch {
                    throw .data("\(error)")
                }
            }
        }.get()
        tokenCounts = TokenCounts(task)
        let training = options.configuration.training
        metrics = MetricsFile(path: directory.path + "/" + MetricsFile.name)
        tree = ReductionTree(shards: training.shards)
        lossWatch = LossWatch(symbols: task.shape.vocabulary)
        peers.bounds.memoryBytesMax = PeerBounds.memoryBytesMax(
            parameters: task.layout.count, shards: training.shards)
        carriedStates = CarriedStates(shards: training.shards)
        checkpoints = try CheckpointKeeper(
            directory: directory.checkpointsPath, keep: options.configuration.checkpoints.keep,
            every: options.configuration.checkpoints.every)
        var rules = CoordinatorRules(
            shards: training.shards, totalSteps: task.totalSteps, evaluateEverySteps: task.stepsBetweenEvaluations,
            checkpointEverySteps: options.configuration.checkpoints.every, expectedWorkers: options.expectedWorkers)
        rules.isSynchronous = training.consistency == .synchronous
        rules.stalenessMax = training.consistency.stalenessMax
        var restored: RunRecord?
        let source: any ParameterSource
        var states = carriedStates
        let (keeper, layout) = (checkpoints, task.layout)
        let changesSteps = !directory.changes.with(.stepsToCome).isEmpty
        let found = try vestibule.prepare("reading the newest checkpoint") {
            Result { () throws(ServerError) in
                let opened = try changesSteps ? keeper.newestSound(logger: logger) : keeper.newest(logger: logger)
                return try opened.map { opened throws(ServerError) in
                    (opened, try keeper.restore(opened, layout: layout, states: &states))
                }
            }
        }.get()
        carriedStates = states
        if let (opened, (record, configuration, parameters)) = found {
            source = parameters
            guard record.run == directory.identity.run else {
                throw .directory(
                    "\(directory.checkpointsPath): holds checkpoints of another run, \(record.run); "
                        + "choose another --output"
                )
            }
            guard record.data == Self.contentHashes(of: corpus) else {
                throw .data("\(directory.dataPath): other data than those of the checkpoint \(opened.folder.path)")
            }
            try Self.requireSteps(after: record, task, in: directory)
            runChanges = Self.recorded(
                options.configuration.changes(from: configuration), after: record.step, record.changes ?? [])
            restored = record
        } else {
            runChanges = Self.recorded(directory.changes, after: 0, [])
            source = InitialParameters(task)
        }
        coordinator = Coordinator(
            rules: rules, version: restored.map { $0.updates ?? $0.step } ?? 0, positions: restored?.positions,
            lastEvaluated: restored?.lastEvaluated)
        (peers.run, peers.incarnation) = (directory.identity.run, directory.identity.incarnation)
        partitions = try PartitionSet(
            PartitionAssignment(
                layout: task.layout, shards: training.shards, chunks: task.layout.chunks.indices,
                version: coordinator.version, optimizer: task.optimizer, precision: task.shape.precision,
                silenceLimitSeconds: rules.silenceLimitSeconds, isSynchronous: rules.isSynchronous),
            endpoints: options.partitionServers, run: peers.run, incarnation: peers.incarnation, source: source,
            keys: options.keys, in: context, clock: clock, logger: logger)
        if let restored {
            progress.restore(
                smoothedLoss: restored.smoothedLoss, validationLoss: restored.validationLoss,
                best: restored.bestValidationLoss, bestStep: restored.bestStep)
            lossWatch.restore(restored.smoothedLoss)
            checkpoints.noteRestored(restored, logger: logger)
            logger.notice("continuing the run", metadata: ["step": "\(restored.step)", "of": "\(task.totalSteps)"])
        }
        configurationIsNews = restored != nil && !directory.changes.isEmpty
        try directory.register(
            options.configuration, isComplete: restored.map { $0.step >= task.totalSteps } ?? false)
        beginLedger(restored: restored)
        metrics.begin(after: restored?.step ?? 0, evaluated: restored?.lastEvaluated)
        StandIn.note(.lifeBegan(incarnation: Int(peers.incarnation), version: coordinator.version))
        if let file = options.endpointFile { try peers.announce(in: file) }
        logger.notice(
            "listening",
            metadata: [
                "endpoint": "\(peers.endpoint)", "run": "\(directory.identity.run)",
                "incarnation": "\(directory.identity.incarnation)", "parameters": "\(task.parameterCount)",
                "steps": "\(task.totalSteps)",
            ])
    }

    /// SHA-256 of each prepared file, by name.
    static func contentHashes(of corpus: PreparedCorpus) -> [String: String] {
        Dictionary(uniqueKeysWithValues: dataFiles(of: corpus).map { ($0.name, $0.reference.sha256) })
    }

    private func runToTheEnd() throws(ServerError) -> ServerEnd {
        do { try run() } catch {
            noteFailure(error)
            throw error
        }
        return try conclude()
    }

    /// Serves until the run ends.
    private func run() throws(ServerError) {
        var poller = Poller()
        peers.listen(on: &poller)
        for link in partitions.links {
            poller.add(link.socket)
            poller.add(link.monitor)
        }
        var nextTick = 0.0
        while end == nil {
            if let loss = partitions.loss {
                ledger.end(.failed, reason: loss, version: coordinator.version)
                ledger.sync()
                throw .partition(loss)
            }
            if TerminationSignal.received != nil {
                carryOut(.stopRequested)
            } else if let leaver = partitions.links.first(where: \.leaves), departure == nil, application == nil {
                // What it holds is saved first; without it the run goes on in another life only.
                departure = "partition server \(leaver.endpoint): was asked to end, after a checkpoint"
                carryOut(.stopRequested)
            }
            let now = MonotonicClock.seconds
            do { try peers.keepBounds(now: now, logger: logger) } catch { throw .system("messaging failed: \(error)") }
            if now >= nextTick {
                // After a stall of our own (a slow disk) the workers' signs of life wait unread: nobody was silent.
                let wasBusy = now > nextTick + 1 && nextTick > 0
                if wasBusy { forgiveStall(seconds: now - nextTick) }
                nextTick = now + 0.25
                carryOut(.tick)
                partitions.tick(now: now, wasBusy: wasBusy)
                watchPartitions()
                forgetStrangers(now: now)
                snapshots.releaseIdle(now: now)
                releaseOverflowed()
                watchSolitude(now: now)
                if application == nil { answerWaitingClients() }
            }
            do {
                try takePostponed()
                clock.enter(.idle)
                defer { clock.enter(.other) }
                guard end == nil, try poller.wait(milliseconds: 50) else { continue }
                clock.enter(.receive)
                partitions.receive()
                advance()
                // A bounded number at once, so that ticks and signals are never starved.
                for _ in 0..<256 {
                    guard end == nil, try peers.receive({ take($0) }) else { break }
                }
            } catch {
                throw .system("messaging failed: \(error)")
            }
        }
    }

    /// Lets go of workers that missed a message because they take none.
    private func releaseOverflowed() {
        for peer in peers.overflowed {
            carryOut(.workerGone(WorkerIdentifier(peer.bytes), reason: "its queue of messages is full"))
        }
        peers.overflowed = []
    }

    /// Forgets those who said hello, never asked for work, and are silent.
    private func forgetStrangers(now: Double) {
        let known = Set(coordinator.workerViews.map(\.identifier))
        for (worker, member) in members.sorted(by: { $0.key < $1.key })
        where !known.contains(worker) && now - member.lastHeard > coordinator.rules.silenceLimitSeconds {
            members[worker] = nil
            partitions.forget(worker.bytes)
        }
    }

    /// Feeds an event to the coordinator and does what it asks for.
    func carryOut(_ event: CoordinatorEvent) { carryOut(coordinator.handle(event, now: MonotonicClock.seconds)) }

    /// Does what the coordinator asks for, and what follows from it.
    func carryOut(_ actions: [CoordinatorAction]) {
        let before = clock.enter(.other)
        defer { clock.enter(before) }
        var waiting = actions[...]
        while let action = waiting.popFirst() {
            switch action {
            case .sendWeights(let worker): sendAllWeights(to: worker)
            case .grant(let worker, let lease): send(lease, to: worker)
            case .awaitSums(let sum):
                sumsAwaitedSince[sum] = MonotonicClock.seconds
                waiting += nextActions()
            case .apply(let step, let outcome, let recipients):
                apply(sum: step, of: tree.root, outcome: outcome, recipients: recipients)
                waiting += nextActions()
            case .applyUpdate(let update):
                apply(update)
                waiting += nextActions()
            case .dropSum(let sum):
                partitions.drop(sum)
                ledger.forgetSpans(of: sum)
                sumsAwaitedSince[sum] = nil
            case .restartSum(let sum, let refused):
                peers.counters.stepsRepeated += 1
                partitions.restart(sum, refusing: refused.map(\.bytes))
                ledger.forgetSpans(of: sum)
                sumsAwaitedSince[sum] = nil
            case .evaluated(let version, let outcome): noteEvaluation(version: version, outcome: outcome)
            case .checkpoint(let version): if !isKeptAsBest(version) { writeCheckpoint(version: version) }
            case .dismissed(let worker, let reason): dismiss(worker, reason: reason)
            case .expelled(let worker, let reason): expel(worker, reason: reason)
            case .warned(let worker, let reason):
                logger.warning(
                    "a result that cannot be used",
                    metadata: ["worker": "\(members[worker]?.name ?? "")", "reason": "\(reason)"])
            case .left(let worker): noteLeft(worker)
            case .finish(let end):
                // Without a step to compute, the newest checkpoint still says what the run was to be before.
                if end == .completed, configurationIsNews { writeCheckpoint(version: coordinator.step) }
                if end == .completed { endProbation() }
                self.end = end
            }
        }
    }
}
