// The supervisor's loop.

import Checkpoints
import Client
import Configuration
import Messaging
import Platform
import Server

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How a supervised run ended.
public enum SupervisedEnd: Sendable, Equatable {
    /// All steps are done.
    case completed
    /// Stopped after a checkpoint, by a signal or on request.
    case interrupted
}

/// Runs a server, its partition servers and its workers until the run ends, and sees to it that nothing outlives it.
///
///     let supervisor = try RunSupervisor(request, plan: .start)
///     let end = try supervisor.run()
///
/// `TerminationSignal` must be installed: its signals end the run in order, the same one again at once.
public final class RunSupervisor {
    let request: TrainingRequest
    private(set) var resumes: Bool
    var display = ProgressDisplay()

    var server: ManagedChild?
    var serverRestarts = RestartCounter()
    private var serverStartAt: Double?
    /// Where the server listens in all its lives: nobody can take the port in between.
    private let listener: Listener
    let keys: RunKeys
    /// Known once the server has listened for the first time.
    private(set) var endpoint: Endpoint?
    /// The run's place in the list of those that live.
    var entry: LivingRuns.Entry?
    var slots: [WorkerSlot] = []
    /// The processes that hold parameters besides the server.
    var partitions: [PartitionSlot] = []
    var watch = ServerWatch()
    /// For limits on the silence of others: it stands still when this process does.
    var awake = AwakeClock()
    let limits: SupervisorLimits
    /// Whether a partition server ended since the server was started: the server will not survive it.
    var serverIsDoomed = false
    var feed: StatusFeed?
    private(set) var progress = ObservedProgress()
    /// The largest step that was ever reported, and the steps of the whole run.
    private(set) var stepMax = -1
    private var totalSteps = 0

    /// What the server last said of a disk that does not let it go on.
    private var diskComplaint: String?
    /// How long to wait before it tries the disk again.
    private static let diskSeconds = 2.0

    /// A worker's place, in which one process after the other may live.
    struct WorkerSlot {
        let name: String
        var child: ManagedChild?
        var restarts = RestartCounter()
        /// When to start it anew.
        var startAt: Double?
    }

    /// The logs' directory.
    var logs: String { request.output + "/logs" }
    /// Where the server writes its endpoint once it listens.
    private var serverEndpointFile: String { logs + "/server.endpoint" }

    /// A supervisor that has not started anything yet.
    ///
    /// - Throws: `ProgramFailure` if the plan is to replace a run in whose directory a server is running, and if there
    ///   can be no keys or no port.
    public init(
        _ request: TrainingRequest, plan: RunPlan, limits: SupervisorLimits = SupervisorLimits()
    ) throws(ProgramFailure) {
        self.limits = limits
        self.request = request
        resumes = plan.resumes
        do throws(MessagingError) {
            keys = try RunKeys()
            listener = try Listener()
        } catch {
            throw ProgramFailure(.internalError, "\(error)")
        }
        if plan == .replace { try RunPlan.clear(request.output) }
    }

    /// Runs to the end.
    ///
    /// - Throws: `ProgramFailure` with the exit code and the words of the child that failed. No child lives then.
    public func run() throws(ProgramFailure) -> SupervisedEnd {
        let traces = RunTraces(request.output)
        do throws(ProgramFailure) {
            let failure = FileText.makeDirectories(logs)
            guard failure == 0 else {
                throw ProgramFailure(
                    .usage,
                    "\(request.output): cannot be made or written: \(String(cString: strerror(failure))); "
                        + "choose another --output")
            }
            // Before anything is started: what is missing is missing then, too.
            for name in ["rondo-server", "rondo-worker"] { _ = try Executables.path(name, in: request.executables) }
            guard try startAndAwaitPartitions() else { return endInOrder() }
            let end: SupervisedEnd
            switch try startAndAwaitServer() {
            case .listening:
                startWorkers()
                end = try supervise()
            case .done:
                endWorkersAndPartitions()
                end = .completed
            case .interrupted: return endInOrder()
            }
            withdrawEndpoint()
            display.finish()
            return end
        } catch {
            display.finish()
            destroyEverything()
            recordEnding(.failed, error.line, error.status)
            // The logs of other failures tell what happened.
            if [.usage, .badData, .storage].contains(error.status) { traces.remove() }
            throw error
        }
    }

    /// Puts the end on record where the server could not: it was killed, or never came back.
    func recordEnding(_ how: RunEnding.How, _ reason: String, _ status: ExitStatus) {
        // Without a server that has listened, whatever lies there is another run's.
        guard endpoint != nil, RunEnding(inDirectory: request.output) == nil,
            let run = RunEnding.run(inDirectory: request.output)
        else { return }
        try? RunEnding(
            how: how, reason: reason, exitCode: Int(status.rawValue), step: max(0, stepMax), totalSteps: totalSteps,
            run: run
        ).write(inDirectory: request.output)
    }

    /// What was seen of the run: for the summary.
    public var observedTokensPerSecond: Double? { progress.tokensPerSecond }

    // MARK: - Start

    private func startServer() throws(ProgramFailure) {
        let executable = try Executables.path("rondo-server", in: request.executables)
        var arguments = [
            "--bind", listener.endpoint.text, "--output", request.output, "--workers", "\(request.workers)",
            "--endpoint-file", serverEndpointFile, "--supervised",
        ]
        arguments += partitions.compactMap(\.endpoint).flatMap { ["--partition-server", $0.text] }
        if resumes { arguments.append("--resume") }
        if resumes, request.acceptsChanges { arguments.append(ConfigurationChanges.option) }
        if request.isShared { arguments.append("--shared") }
        let handOver = HandOver()
        // The configuration as it was read: its file may have changed meanwhile, or been readable once.
        try handOver.argument(String(decoding: request.configuration.json(), as: UTF8.self))
        try keys.hand(toServer: handOver)
        handOver.option("--listener", descriptor: listener.descriptor)
        serverIsDoomed = false
        for index in partitions.indices { partitions[index].servesPresentServer = true }
        server = try ManagedChild("server", executable: executable, arguments: arguments, handing: handOver, logs: logs)
        resumes = true
    }

    /// What came of the first start of the server.
    private enum ServerStart {
        /// It listens.
        case listening
        /// Nothing was left to do.
        case done
        /// A signal came first.
        case interrupted
    }

    private func startAndAwaitServer() throws(ProgramFailure) -> ServerStart {
        unlink(serverEndpointFile)
        defer { unlink(serverEndpointFile) }
        try startServer()
        var workedAt = awake.look()
        var signs = server.map { SignsOfWork(of: $0.identifier, now: workedAt) }
        while TerminationSignal.received == nil {
            if let end = server?.poll() {
                // Nothing was left to do: it may have come and gone between two looks.
                if end == .exited(code: 0) { return .done }
                throw failure(ofServer: end)
            }
            if let bytes = FileText.bytes(serverEndpointFile), bytes.last == 0x0A {
                let endpoint = Endpoint(String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }))
                self.endpoint = endpoint
                do {
                    feed = try StatusFeed(endpoint, intervalSeconds: 0.4, keys: keys.role(keys.supervisor))
                } catch {
                    throw ProgramFailure(.internalError, "\(error)")
                }
                try publish(endpoint)
                display.note("server at \(endpoint): try 'rondo status \(endpoint)' in another terminal")
                return .listening
            }
            let now = awake.look()
            if signs?.look(now: now) ?? false { workedAt = now }
            guard now - workedAt < limits.startSecondsMax else {
                throw failure(
                    "the server has done nothing for \(Readable.duration(limits.startSecondsMax)), and does not listen",
                    server)
            }
            display.show(waitingFor: "preparing the data")
            MonotonicClock.sleep(seconds: 0.02)
        }
        return .interrupted
    }

    private func startWorkers() {
        let now = MonotonicClock.seconds
        slots = (1...max(1, request.workers)).map { WorkerSlot(name: "worker-\($0)", startAt: now) }
        display.show(waitingFor: "starting \(Counted.text(request.workers, "worker"))")
    }

    private func startWorker(_ index: Int) throws(ProgramFailure) {
        guard let endpoint else { return }
        let executable = try Executables.path("rondo-worker", in: request.executables)
        slots[index].startAt = nil
        let handOver = HandOver()
        try keys.hand(toWorker: handOver)
        slots[index].child = try ManagedChild(
            slots[index].name, executable: executable,
            arguments: [
                "--connect", endpoint.text, "--name", slots[index].name, "--data", request.output + "/data",
                "--supervised",
            ], handing: handOver, logs: logs)
    }

    // MARK: - The loop

    private func supervise() throws(ProgramFailure) -> SupervisedEnd {
        while true {
            if TerminationSignal.received != nil { return endInOrder() }
            if let end = server?.poll() {
                if let outcome = try noteServerEnd(end) { return outcome }
            }
            for index in slots.indices {
                if let child = slots[index].child, let end = child.poll() { try noteWorkerEnd(index, child, end) }
            }
            let now = MonotonicClock.seconds
            try watchPartitions()
            watchServer(now: awake.look())
            if let due = serverStartAt, now >= due, partitionsListen {
                serverStartAt = nil
                try startServer()
            }
            for index in slots.indices {
                if let due = slots[index].startAt, now >= due { try startWorker(index) }
            }
            try takeStatus()
        }
    }

    private func takeStatus() throws(ProgramFailure) {
        let status: RunStatus?
        do {
            status = try feed?.next(withinMilliseconds: 50)
        } catch {
            throw ProgramFailure(.internalError, "\(error)")
        }
        guard let status else { return }
        noteAnswer()
        progress.note(status, now: MonotonicClock.seconds, tokensPerStep: tokensPerStep)
        totalSteps = status.totalSteps
        if status.step > stepMax {
            if stepMax >= 0 {
                diskComplaint = nil
                serverRestarts.noteProgress()
                for index in partitions.indices { partitions[index].restarts.noteProgress() }
            }
            stepMax = status.step
        }
        for worker in status.workers where worker.steps > 0 {
            if let index = slots.firstIndex(where: { $0.child?.identifier == worker.process && $0.name == worker.name })
            {
                slots[index].restarts.noteProgress()
            }
        }
        display.show(status)
    }

    /// Tokens of a step where every step has as many: in a stream.
    private var tokensPerStep: Int? {
        guard request.configuration.data.shape == .stream else { return nil }
        return request.configuration.training.batch * request.configuration.training.sequence
    }

    // MARK: - Deaths

    /// - Returns: How the run ended, if the server's end was meant to be.
    private func noteServerEnd(_ end: ChildEnd) throws(ProgramFailure) -> SupervisedEnd? {
        switch ManagedChild.verdict(end) {
        case .done:
            endWorkersAndPartitions()
            return .completed
        case .interrupted:
            endWorkersAndPartitions()
            return .interrupted
        case .unreachable where serverIsDoomed: break
        case .usage, .badData, .unreachable, .internalError: throw failure(ofServer: end)
        case .storage:
            // A run that has not begun has nothing to lose by another start.
            guard RunDirectoryState.of(path: request.output) != .empty else { throw failure(ofServer: end) }
            awaitDisk()
            return nil
        case .partitionLost: replacePartitions()
        case nil: break
        }
        guard let pause = serverRestarts.noteDeath() else {
            throw failure("the server ended \(serverRestarts.deaths) times in a row without a step in between", server)
        }
        display.note(
            "rondo: the server ended by \(end)\(words(of: server)); starting it anew from the newest checkpoint")
        server = nil
        serverStartAt = MonotonicClock.seconds + pause
        return nil
    }

    /// A disk that is full is usually given room again: the server tries it every few seconds, and nobody's patience
    /// is counted meanwhile.
    private func awaitDisk() {
        let complaint = server?.log.complaint() ?? "the disk takes nothing"
        if complaint != diskComplaint {
            display.note("rondo: the server cannot go on: \(complaint); trying again until it can")
            diskComplaint = complaint
        }
        server = nil
        serverStartAt = MonotonicClock.seconds + Self.diskSeconds
        for index in slots.indices { slots[index].restarts.noteProgress() }
    }

    private func noteWorkerEnd(_ index: Int, _ child: ManagedChild, _ end: ChildEnd) throws(ProgramFailure) {
        let name = slots[index].name
        slots[index].child = nil
        feed?.reportDeath(ofWorker: name, process: child.identifier)
        let verdict = ManagedChild.verdict(end)
        if verdict == .usage { throw failure("\(name) could not start", child, status: .usage) }
        guard let pause = slots[index].restarts.noteDeath() else {
            // One that is kept out, or cannot live here, is no reason to end what the others do.
            if slots.contains(where: { $0.child != nil || $0.startAt != nil }) {
                return display.note("rondo: \(name) ended by \(end)\(words(of: child)); the others go on without it")
            }
            throw failure(
                "\(name) ended \(slots[index].restarts.deaths) times in a row without a step in between", child)
        }
        // A worker that goes by itself usually knows before we do that the run is over: wait for the server's word.
        let knows = verdict == .done || verdict == .internalError
        slots[index].startAt = MonotonicClock.seconds + max(pause, knows ? 1 : 0)
        if !knows {
            display.note(
                "rondo: \(name) ended by \(end)\(words(of: child)); starting it anew "
                    + "(\(slots[index].restarts.deaths) of \(RestartCounter.restartsMax) without a step in between)")
        }
    }

    /// What a child that ended said of it, as the rest of a line; empty if it said nothing.
    func words(of child: ManagedChild?) -> String {
        (child?.log.reason() ?? child?.log.complaint()).map { ": " + $0 } ?? ""
    }

    /// The failure of a server that ended with a code of ours, or that never came to listen.
    private func failure(ofServer end: ChildEnd) -> ProgramFailure {
        guard case .exited = end, let status = ManagedChild.verdict(end), status != .done,
            let complaint = server?.log.complaint()
        else { return failure("the server ended by \(end)", server) }
        return ProgramFailure(status, complaint)
    }

    func failure(
        _ text: String, _ child: ManagedChild?, status: ExitStatus = .internalError
    ) -> ProgramFailure {
        guard let child else { return ProgramFailure(status, text) }
        // The reason itself rather than the last lines of the dump behind it.
        if let reason = child.log.reason() {
            return ProgramFailure(status, "\(text): \(reason); see \(child.log.path)")
        }
        return ProgramFailure(
            status, "\(text); the end of \(child.log.path):", details: child.log.lastLines(8))
    }
}
