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
    var connection: ServerConnection?
    private var heartbeat: Heartbeat?
    private var welcome: WireWelcome?
    var computation: LeaseComputation?
    /// The carried states that came with the last lease, by shard.
    private var leasedStates: [Int: [Float]] = [:]
    private var failure: WorkerError?
    private var isEnded = false
    private var connectionCount = 0

    /// A worker that has not connected yet.
    ///
    /// - Throws: `WorkerError.system` if messaging cannot be started.
    public init(_ options: WorkerOptions, logger: Logger) throws(WorkerError) {
        self.options = options
        self.logger = logger
        session = WorkerSession(now: MonotonicClock.seconds, patienceSeconds: options.patienceSeconds)
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
                    try watchHeartbeat()
                    try feed(.tick)
                }
                guard !isEnded, let incoming = try connection?.receive(withinMilliseconds: 50) else { continue }
                try receive(incoming)
            }
        } catch let error as WorkerError {
            throw error
        } catch {
            throw .system("\(error)")
        }
        heartbeat?.stop()
        connection = nil
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
        connection = nil
        connection = try ServerConnection(to: options.endpoint, identity: identity, context: context)
        try feed(.connected)
    }

    /// What tells this process from all others.
    private static let instance = "\(CurrentProcess.hostName)/\(CurrentProcess.identifier)/\(nonce())"

    private static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next() & 0xffff_ffff, radix: 16)
    }

    private func watchHeartbeat() throws {
        guard let heartbeat else { return }
        if heartbeat.lastReplySeconds > MonotonicClock.seconds - 0.5 { try feed(.heard) }
        if heartbeat.serverForgotWorker, session.phase == .waiting {
            try feed(.refused(reason: "the server does not know this worker any more", isFinal: false))
        }
    }

    // MARK: - Events and actions

    func feed(_ event: WorkerEvent) throws {
        for action in session.handle(event, now: MonotonicClock.seconds) {
            switch action {
            case .sendHello: try sendHello()
            case .prepareData: try prepareData()
            case .sendReadyForWork:
                var ready = WireReady()
                ready.joins = true
                try connection?.send(.ready(ready))
            case .acknowledge(let version):
                var ready = WireReady()
                ready.version = UInt64(version)
                try connection?.send(.ready(ready))
            case .compute(let lease): try compute(lease)
            case .reconnect(let reason):
                logger.notice("connecting anew", metadata: ["reason": "\(reason)"])
                MonotonicClock.sleep(seconds: 0.2)
                try connect()
            case .sendLeave:
                var leave = WireLeave()
                leave.reason = "asked to"
                try? connection?.send(.leave(leave))
            case .end(let end): finish(end)
            }
        }
    }

    private func finish(_ end: WorkerEnd) {
        isEnded = true
        switch end {
        case .finished(let reason): logger.notice("done", metadata: ["reason": "\(reason)"])
        case .unreachable(let reason):
            failure = .unreachable(
                "no server at \(options.endpoint): \(reason); is rondo-server running there, and the port open?")
        case .failed(let reason): failure = .training(reason)
        }
    }

    private func sendHello() throws {
        var hello = WireHello()
        hello.name = options.name
        hello.host = CurrentProcess.hostName
        hello.process = Int64(CurrentProcess.identifier)
        hello.instance = Self.instance
        hello.instructionSet = InstructionSet.current.rawValue
        try connection?.send(.hello(hello))
    }

    private func receive(_ received: consuming ServerConnection.Incoming) throws {
        if let problem = received.problem {
            if case .protocolVersion = problem { return try feed(.refused(reason: "\(problem)", isFinal: true)) }
            logger.warning("message not understood", metadata: ["problem": "\(problem)"])
            return
        }
        guard let header = received.header, let body = header.body, let connection else { return }
        switch body {
        case .welcome(let welcome):
            connection.run = header.run
            connection.incarnation = header.incarnation
            self.welcome = welcome
            // From now on the server hears of us even while data are fetched.
            heartbeat = Heartbeat(
                endpoint: options.endpoint, context: context, worker: connection.identity, run: header.run,
                incarnation: header.incarnation, intervalSeconds: welcome.heartbeatIntervalSeconds)
            try feed(.welcomed(incarnation: header.incarnation))
        case .refusal(let refusal):
            let isFinal = refusal.reason == .protocolVersion || refusal.reason == .finished
            if refusal.reason == .finished {
                return try feed(.dismissed(reason: refusal.explanation, isFailure: false))
            }
            try feed(.refused(reason: refusal.explanation, isFinal: isFinal))
        case .weights(let weights): try take(weights, frames: received.frames)
        case .lease(let lease): try take(lease, frames: received.frames)
        case .goodbye(let goodbye):
            try feed(.dismissed(reason: goodbye.explanation, isFailure: goodbye.reason == .failed))
        default: try feed(.heard)
        }
    }

    // MARK: - Data, weights, leases

    private func prepareData() throws {
        guard let welcome, let connection else { return }
        let source = DataSource(welcome, directory: options.dataDirectory, logger: logger)
        let computed: DataSource.Prepared
        do {
            computed = try source.prepare(over: connection)
        } catch DataSource.Interruption.askedToLeave {
            return try feed(.leaveRequested)
        } catch DataSource.Interruption.serverSilent(let what) {
            return try feed(.refused(reason: what, isFinal: false))
        }
        computation = try LeaseComputation(
            configuration: computed.configuration, tokenizer: computed.tokenizer, training: computed.training,
            validation: computed.validation)
        try feed(.dataReady)
    }

    private func take(_ header: WireWeights, frames received: consuming FrameList) throws {
        var frames = received
        guard let computation else { return }
        guard computation.accept(header, frames: &frames) else {
            return try feed(.refused(reason: "weights of impossible shape", isFinal: false))
        }
        try feed(.weightsReceived(version: Int(clamping: header.version), isLast: header.isLast))
    }

    private func take(_ header: WireLease, frames received: consuming FrameList) throws {
        var frames = received
        guard let computation, header.span.lower < header.span.upper, header.stateShards.count == frames.count,
            header.span.upper <= UInt32(computation.shards)
        else { return try feed(.refused(reason: "a lease of impossible shape", isFinal: false)) }
        leasedStates = [:]
        for shard in header.stateShards {
            guard let frame = frames.popFirst() else { break }
            leasedStates[Int(shard)] = frame.elements(of: Float.self)
        }
        try feed(
            .leased(
                Lease(
                    identifier: Int(clamping: header.lease), work: header.work == .evaluation ? .evaluation : .training,
                    step: Int(clamping: header.step),
                    span: ShardRange(Int(header.span.lower), Int(header.span.upper)))))
    }

    private func compute(_ lease: Lease) throws {
        guard let connection, let computation else { return }
        let began = MonotonicClock.seconds
        let result: LeaseResult
        switch lease.work {
        case .training:
            result = try computation.train(lease, carriedStates: leasedStates, over: connection)
        case .evaluation: result = computation.evaluate(lease)
        }
        if let bad = result.outcomes.first(where: { !$0.loss.isFinite }) {
            var failed = WireComputationFailed()
            failed.lease = UInt64(lease.identifier)
            failed.step = UInt64(lease.step)
            failed.shard = UInt32(bad.shard)
            failed.reason = "the loss is \(bad.loss); lower training.adam.rate or training.clip, or look at the data"
            try connection.send(.computationFailed(failed))
        } else {
            var done = WireSpanDone()
            done.lease = UInt64(lease.identifier)
            done.step = UInt64(lease.step)
            done.computeSeconds = MonotonicClock.seconds - began
            done.outcomes = result.outcomes.map {
                var outcome = WireShardOutcome()
                outcome.shard = UInt32($0.shard)
                outcome.loss = $0.loss
                outcome.tokens = UInt64($0.tokens)
                return outcome
            }
            var frames = FrameList()
            for state in result.states { frames.append(Frame(copyingElements: state)) }
            try connection.send(.spanDone(done), frames: frames)
        }
        try feed(.computed)
    }
}
