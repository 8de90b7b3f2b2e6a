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

/// A parameter server: one run, one thread, one socket.
///
///     let server = try ParameterServer(options, logger: logger)
///     let end = try server.run()
///
/// `run` returns after the last step, or after SIGINT or SIGTERM and a checkpoint.
public final class ParameterServer {
    let options: ServerOptions
    let logger: Logger
    let corpus: PreparedCorpus
    let task: LanguageModelTask
    var directory: RunDirectory
    let socket: Socket
    /// Where the server listens, with the port that was chosen.
    public let endpoint: Endpoint

    var coordinator: Coordinator
    var parameters: ParameterStore
    var reduction: GradientReduction<GradientPayload>
    var carriedStates: CarriedStates
    var snapshots = SnapshotStore()
    var checkpoints: CheckpointKeeper
    var progress = TrainingProgress()
    var members: [WorkerIdentifier: Member] = [:]
    var counters = ServerCounters()
    let tree: ReductionTree
    let startedAt = MonotonicClock.seconds
    var end: RunEnd?

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
        var lastHeard: Double
    }

    /// Opens the run's directory, prepares the data, restores the newest checkpoint if there is one, and listens.
    ///
    /// - Throws: `ServerError`.
    public init(_ options: ServerOptions, logger: Logger) throws(ServerError) {
        self.options = options
        self.logger = logger
        guard options.endpoint.isLoopback || options.isInsecure else {
            throw .usage(
                "\(options.endpoint): listening beyond this machine without encryption lets anybody read and change "
                    + "the run; bind to tcp://127.0.0.1:PORT, or give --insecure on a network that you trust")
        }
        // First the port: a server that cannot listen must leave a run's directory as it is.
        socket = try Self.makeSocket()
        do {
            endpoint = try socket.bind(options.endpoint)
        } catch {
            throw .endpoint("\(error)")
        }
        directory = try RunDirectory(
            path: options.output, configuration: options.configuration, resumes: options.resumes)
        do {
            corpus = try Self.prepareCorpus(options.configuration, in: directory, logger: logger)
            task = try LanguageModelTask(options.configuration, corpus: corpus)
        } catch {
            throw .data("\(error)")
        }
        let training = options.configuration.training
        tree = ReductionTree(shards: training.shards)
        parameters = ParameterStore(layout: task.layout)
        carriedStates = CarriedStates(shards: training.shards)
        checkpoints = try CheckpointKeeper(
            directory: directory.checkpointsPath, keep: options.configuration.checkpoints.keep)
        let rules = CoordinatorRules(
            shards: training.shards, totalSteps: task.totalSteps, evaluateEverySteps: task.stepsBetweenEvaluations,
            checkpointEverySteps: options.configuration.checkpoints.every, expectedWorkers: options.expectedWorkers)
        var restored: RunRecord?
        if let opened = try checkpoints.newest(logger: logger) {
            let record = try checkpoints.restore(opened, into: parameters, states: &carriedStates)
            guard record.run == directory.identity.run else {
                throw .directory(
                    "\(directory.checkpointsPath): holds checkpoints of another run, \(record.run); "
                        + "choose another --output"
                )
            }
            guard record.data == Self.contentHashes(of: corpus) else {
                throw .data("\(directory.dataPath): other data than those of the checkpoint \(opened.folder.path)")
            }
            restored = record
        } else {
            task.initialize(parameters.weights)
        }
        coordinator = Coordinator(
            rules: rules, version: restored?.step ?? 0, lastEvaluated: restored?.lastEvaluated)
        reduction = GradientReduction(tree: tree, chunkCount: task.layout.chunks.count)
        if let restored {
            progress.restore(
                smoothedLoss: restored.smoothedLoss, validationLoss: restored.validationLoss,
                best: restored.bestValidationLoss, bestStep: restored.bestStep)
            checkpoints.noteRestored(restored)
            logger.notice("continuing the run", metadata: ["step": "\(restored.step)", "of": "\(task.totalSteps)"])
        }
        try directory.register(options.configuration)
        if let file = options.endpointFile { try Self.announce(endpoint, in: file) }
        logger.notice(
            "listening",
            metadata: [
                "endpoint": "\(endpoint)", "run": "\(directory.identity.run)",
                "incarnation": "\(directory.identity.incarnation)", "parameters": "\(task.parameterCount)",
                "steps": "\(task.totalSteps)",
            ])
    }

    private static func makeSocket() throws(ServerError) -> Socket {
        do {
            var options = SocketOptions()
            options.lingerMilliseconds = 1000
            // Bounded by the protocol instead: one version of the weights for each worker, one chunk for each request.
            options.sendHighWaterMark = 0
            options.frameBytesMax = 64 << 20
            return try Socket(.router, in: try Context(), options: options)
        } catch {
            throw .system("\(error)")
        }
    }

    /// SHA-256 of each prepared file, by name.
    static func contentHashes(of corpus: PreparedCorpus) -> [String: String] {
        Dictionary(uniqueKeysWithValues: dataFiles(of: corpus).map { ($0.name, $0.reference.sha256) })
    }

    /// The run's data: prepared once, by its first server; a text that changed since changes no run.
    private static func prepareCorpus(
        _ configuration: RunConfiguration, in directory: borrowing RunDirectory, logger: Logger
    ) throws(CorpusError) -> PreparedCorpus {
        let validates = configuration.data.validation != .fraction(0)
        if directory.identity.incarnation > 1, let corpus = try? PreparedCorpus(directory: directory.dataPath),
            !validates || corpus.validation != nil
        {
            return corpus
        }
        logger.info("preparing the data", metadata: ["train": "\(configuration.data.train)"])
        return try CorpusBuilder.prepare(configuration, into: directory.dataPath)
    }

    private static func announce(_ endpoint: Endpoint, in file: String) throws(ServerError) {
        do {
            try Data("\(endpoint)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw .system("\(file): cannot be written: is the directory there, and writable?")
        }
    }

    /// Serves until the run ends.
    ///
    /// - Returns: How it ended.
    /// - Throws: `ServerError.training` when a loss or gradient was not finite, `ServerError.system` when messaging
    /// fails.
    public func run() throws(ServerError) -> ServerEnd {
        var poller = Poller()
        let source = poller.add(socket)
        var nextTick = 0.0
        while end == nil {
            if TerminationSignal.received != nil { carryOut(.stopRequested) }
            let now = MonotonicClock.seconds
            if now >= nextTick {
                // After a stall of our own (a slow disk) the workers' signs of life wait unread: nobody was silent.
                if now > nextTick + 1, nextTick > 0 { for worker in members.keys { carryOut(.heard(worker)) } }
                nextTick = now + 0.25
                carryOut(.tick)
                forgetStrangers(now: now)
                snapshots.releaseIdle(now: now)
            }
            do {
                guard try poller.wait(milliseconds: 50), poller.isReadable(source) else { continue }
                // A bounded number at once, so that ticks and signals are never starved.
                for _ in 0..<256 {
                    guard end == nil, let message = try socket.tryReceiveMultipart() else { break }
                    receive(message)
                }
            } catch MessagingError.tooManyFrames {
                counters.malformed += 1
            } catch {
                throw .system("messaging failed: \(error)")
            }
        }
        return try conclude()
    }

    /// Forgets those who said hello, never asked for work, and are silent.
    private func forgetStrangers(now: Double) {
        let known = Set(coordinator.workerViews.map(\.identifier))
        for (worker, member) in members
        where !known.contains(worker) && now - member.lastHeard > coordinator.rules.silenceLimitSeconds {
            members[worker] = nil
        }
    }

    /// Feeds an event to the coordinator and does what it asks for.
    func carryOut(_ event: CoordinatorEvent) {
        var waiting = coordinator.handle(event, now: MonotonicClock.seconds)[...]
        while let action = waiting.popFirst() {
            switch action {
            case .sendWeights(let worker): sendAllWeights(to: worker)
            case .grant(let worker, let lease): send(lease, to: worker)
            case .apply(let step, let outcome, let recipients):
                if let failure = apply(step: step, outcome: outcome, recipients: recipients) {
                    logger.error("the step is refused", metadata: ["step": "\(step)", "reason": "\(failure)"])
                    waiting = coordinator.fail(reason: failure)[...]
                } else {
                    waiting += coordinator.handle(.applied(version: step + 1), now: MonotonicClock.seconds)
                }
            case .evaluated(let version, let outcome): noteEvaluation(version: version, outcome: outcome)
            case .checkpoint(let version): writeCheckpoint(version: version)
            case .dismissed(let worker, let reason): dismiss(worker, reason: reason)
            case .finish(let end): self.end = end
            }
        }
    }

    /// Tells the workers, and whoever asks within a moment, how the run ended.
    private func conclude() throws(ServerError) -> ServerEnd {
        let (reason, text): (WireGoodbyeReason, String) =
            switch end {
            case .completed: (.finished, "the run is complete")
            case .stopped: (.stopping, "the server stops")
            case .failed(let reason): (.failed, reason)
            case nil: (.stopping, "")
            }
        for member in members.values {
            var goodbye = WireGoodbye()
            goodbye.reason = reason
            goodbye.explanation = text
            send(.goodbye(goodbye), to: member.peer)
        }
        logger.notice("the run ends", metadata: ["how": "\(text)", "step": "\(coordinator.version)"])
        if let problem = checkpoints.problem { throw .system("the last checkpoint could not be written: \(problem)") }
        switch end {
        case .completed:
            try directory.markCompleted()
            return .completed
        case .stopped, nil: return .stopped
        case .failed(let reason): throw .training("the run was stopped: \(reason)")
        }
    }
}
