// The worker's loop: messages in, the session's actions out.

import Cluster
import Configuration
import Corpora
import Logging
import Messaging
import Numerics
import Platform
import Recurrent
import Tasks
import WireProtocol

/// A worker process: computes leases until the run ends.
///
///     try TrainingWorker(options, logger: logger).run()
public final class TrainingWorker {
    let options: WorkerOptions
    let logger: Logger
    let context: Context
    var session: WorkerSession
    var connections: ParameterConnections?
    private var heartbeat: Heartbeat?
    private var welcome: WireWelcome?
    var computation: LeaseComputation?
    /// The carried states that came with the last lease, by shard.
    var leasedStates: [Int: [Float]] = [:]
    private var failure: WorkerError?
    private var isEnded = false
    private var connectionCount = 0
    var reachability = Reachability()
    /// For limits on the server's silence: it stands still when this process does.
    private var awake = AwakeClock()
    let clock = WorkerClock(.wait)
    var hasSentGradients = false
    /// Whether to offer shared memory; not any more once a server's could not be opened.
    var sharesMemory: Bool
    /// How long partition servers may take to answer.
    private static let attachingSecondsMax = 5.0

    /// A worker that has not connected yet.
    ///
    /// - Throws: `WorkerError.system` if messaging cannot be started.
    public init(_ options: WorkerOptions, logger: Logger) throws(WorkerError) {
        self.options = options
        self.logger = logger
        sharesMemory = options.sharesMemory
        session = WorkerSession(now: 0, patienceSeconds: options.patienceSeconds)
        do {
            context = try Context()
        } catch {
            throw .system("\(error)")
        }
    }

    /// Works until the run is over, or the process is asked to end.
    ///
    /// - Throws: `WorkerError`; `.unreachable` when the server gave no sign of life for the options' patience.
    public func run() throws(WorkerError) {
        do {
            try connect()
            var nextTick = 0.0
            while !isEnded {
                if TerminationSignal.received != nil { try feed(.leaveRequested) }
                let now = MonotonicClock.seconds
                if now >= nextTick {
                    nextTick = now + 0.2
                    try watchHandshake()
                    watchReachability()
                    try watchHeartbeat()
                    try watchConnections()
                    try feed(.tick)
                }
                guard !isEnded else { continue }
                try connections?.receive(withinMilliseconds: 50) { incoming, origin in
                    try receive(incoming, from: origin)
                }
            }
        } catch let error as WorkerError {
            throw error
        } catch {
            throw .system("\(error)")
        }
        heartbeat?.stop()
        connections = nil
        _ = context.terminate(withinMilliseconds: 1000)
        if let failure { throw failure }
    }

    // MARK: - Connection

    private func connect() throws {
        heartbeat?.stop()
        heartbeat = nil
        connectionCount += 1
        let identity = try RoutingIdentifier(
            "\(options.name.prefix(100))#\(CurrentProcess.identifier).\(connectionCount).\(Self.nonce())")
        connections = nil
        connections = ParameterConnections(
            try ServerConnection(
                to: options.endpoint, identity: identity, keys: options.keys, keysFit: welcome != nil,
                context: context, clock: clock))
        try feed(.connected)
    }

    /// What tells this process from all others.
    private let instance = "\(CurrentProcess.hostName)/\(CurrentProcess.identifier)/\(nonce())"

    private static func nonce() -> String { String(RandomNumber.next() & 0xffff_ffff, radix: 16) }

    /// A server that does not take this worker's keys never will.
    private func watchHandshake() throws {
        guard let reason = try connections?.server.watch() else { return }
        try feed(.refused(reason: reason, isFinal: true))
    }

    private func watchHeartbeat() throws {
        guard let heartbeat else { return }
        if heartbeat.lastReplySeconds > MonotonicClock.seconds - 0.5 { try feed(.heard) }
        if heartbeat.serverForgotWorker, session.phase == .waiting {
            try feed(.refused(reason: "the server does not know this worker any more", isFinal: false))
        }
    }

    /// Messages may have gone with a connection: all is begun anew, unless the server says within a moment that the run
    /// is over.
    private func watchConnections() throws {
        guard session.phase == .waiting, let endpoint = try connections?.lost(longerThan: 0.5) else { return }
        try feed(.refused(reason: "the connection to \(endpoint) was lost", isFinal: false))
    }

    // MARK: - Events and actions

    func feed(_ event: WorkerEvent) throws {
        for action in session.handle(event, now: awake.look()) {
            switch action {
            case .sendHello: try sendHello()
            case .prepareData: try prepareData()
            case .sendReadyForWork:
                var ready = WireReady()
                ready.joins = true
                if let gradients = connections?.gradients?.memory.address {
                    ready.gradients = WireSharedMemoryAddress(gradients)
                }
                try connections?.server.send(.ready(ready))
            case .acknowledge(let version):
                var ready = WireReady()
                ready.version = UInt64(version)
                try connections?.server.send(.ready(ready))
            case .compute(let lease): try compute(lease)
            case .reconnect(let reason):
                logger.notice("connecting anew", metadata: ["reason": "\(reason)"])
                let end = MonotonicClock.seconds + session.pauseSeconds
                while MonotonicClock.seconds < end, TerminationSignal.received == nil {
                    MonotonicClock.sleep(seconds: 0.2)
                }
                try connect()
            case .sendLeave:
                var leave = WireLeave()
                leave.reason = "asked to"
                try? connections?.server.send(.leave(leave))
            case .end(let end): finish(end)
            }
        }
    }

    private func finish(_ end: WorkerEnd) {
        isEnded = true
        switch end {
        case .finished(let reason): logger.notice("done", metadata: ["reason": "\(reason)"])
        case .unreachable(let reason):
            let explanation = reachability.finding?.explanation(options.endpoint)
            failure = .unreachable(
                "no server at \(options.endpoint): \(reason); "
                    + (explanation ?? "is rondo-server running there, and the port open?"))
        case .failed(let reason): failure = .training(ForeignText.shown(reason))
        case .fruitless(let reason):
            failure = .unreachable("the server at \(options.endpoint) is of no use: \(ForeignText.shown(reason))")
        case .keptOut(let reason):
            failure = .system("the server at \(options.endpoint) keeps this worker out: \(ForeignText.shown(reason))")
        }
    }

    private func sendHello() throws {
        var hello = WireHello()
        hello.name = options.name
        hello.host = CurrentProcess.hostName
        hello.process = Int64(CurrentProcess.identifier)
        hello.instance = instance
        hello.instructionSet = InstructionSet.current.rawValue
        try connections?.server.send(.hello(hello))
    }

    private func receive(
        _ received: consuming ServerConnection.Incoming, from origin: ParameterConnections.Origin
    ) throws {
        if let problem = received.problem {
            if case .protocolVersion = problem { return try feed(.refused(reason: "\(problem)", isFinal: true)) }
            logger.warning("message not understood", metadata: ["problem": "\(problem)"])
            return
        }
        guard let header = received.header, let body = header.body, let connection = connections?.server else {
            return
        }
        switch body {
        case .welcome(let welcome):
            guard case .greeting = session.phase else { return try feed(.heard) }
            connection.run = header.run
            connection.incarnation = header.incarnation
            self.welcome = welcome
            // From now on the server hears of us even while data are fetched.
            heartbeat = Heartbeat(
                endpoint: options.endpoint, keys: options.keys, context: context, worker: connection.identity,
                run: header.run,
                incarnation: header.incarnation, intervalSeconds: welcome.heartbeatIntervalSeconds)
            try feed(.welcomed(incarnation: header.incarnation))
        case .refusal(let refusal):
            let isFinal = [.protocolVersion, .finished, .forbidden].contains(refusal.reason)
            if refusal.reason == .finished {
                return try feed(.dismissed(reason: refusal.explanation, isFailure: false))
            }
            if refusal.reason == .keptOut {
                return try feed(.keptOut(reason: ForeignText.limited(refusal.explanation)))
            }
            try feed(.refused(reason: ForeignText.limited(refusal.explanation), isFinal: isFinal))
        case .weights(let weights): try take(weights, frames: received.frames, from: origin)
        case .lease(let lease): try take(lease, frames: received.frames)
        case .goodbye(let goodbye):
            try feed(.dismissed(reason: goodbye.explanation, isFailure: goodbye.reason == .failed))
        default: try feed(.heard)
        }
    }

    // MARK: - Data, weights, leases

    private func prepareData() throws {
        guard let welcome, let connections else { return }
        let source = DataSource(welcome, directories: options.dataDirectories, logger: logger)
        let computed: DataSource.Prepared
        do {
            computed = try source.prepare(over: connections.server)
        } catch DataSource.Interruption.askedToLeave {
            return try feed(.leaveRequested)
        } catch DataSource.Interruption.serverSilent(let what) {
            return try feed(.refused(reason: what, isFinal: false))
        }
        // At least one shard in every step; more workers than shards are never busy.
        let size = RunSize(
            computed.configuration, vocabulary: computed.tokenizer.count,
            workers: computed.configuration.training.shards)
        if let problem = size.workerProblem(within: MemoryLimits.current) { throw WorkerError.system(problem) }
        computation = try LeaseComputation(
            configuration: computed.configuration, tokenizer: computed.tokenizer, training: computed.training,
            validation: computed.validation, simulated: options.simulated, clock: clock)
        do {
            let gradients =
                sharesMemory ? try? GradientArea(byteCount: computation?.sharedBytes ?? 0) : nil
            try connections.attach(to: welcome.partitions, gradients: gradients, in: context, clock: clock)
        } catch {
            throw WorkerError.unreachable("the server names a partition server that cannot be reached: \(error)")
        }
        clock.reset()
        if let silent = try awaitPartitions() {
            return try feed(.refused(reason: "no answer from partition server \(silent)", isFinal: false))
        }
        try feed(.dataReady)
    }

    /// Waits until all partition servers know this worker: weights can be sent to it from then on.
    ///
    /// - Returns: One that did not answer in time, or would not.
    private func awaitPartitions() throws -> Endpoint? {
        let deadline = MonotonicClock.seconds + Self.attachingSecondsMax
        var isRefused = false
        while !isEnded, let connections, let endpoint = connections.unattached {
            guard MonotonicClock.seconds < deadline, !isRefused, TerminationSignal.received == nil else {
                return endpoint
            }
            try connections.receive(withinMilliseconds: 50) { incoming, origin in
                if case .refusal? = incoming.header?.body { isRefused = true }
                if origin == .server { try receive(incoming, from: origin) }
            }
        }
        return nil
    }
}
