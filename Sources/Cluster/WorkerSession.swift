// The worker's side of the protocol.

/// What a worker is told.
public enum WorkerEvent: Sendable {
    /// The connection is made (again): say hello.
    case connected
    /// The server took the worker in; weights are at `version`.
    case welcomed(incarnation: UInt64)
    /// The worker has the run's data on its own disk.
    case dataReady
    /// A chunk of a version's weights is in place; `isLast` marks the version's end.
    case weightsReceived(version: Int, isLast: Bool)
    /// A lease came in.
    case leased(Lease)
    /// The lease in progress was computed, and its results were sent.
    case computed
    /// The server answered something: it lives.
    case heard
    /// The server sent what no server of this run can mean.
    case misled(reason: String)
    /// The server found this worker's results wrong, and does not let it in.
    case keptOut(reason: String)
    /// The server refused what was sent.
    case refused(reason: String, isFinal: Bool)
    /// The server ended the run for this worker.
    case dismissed(reason: String, isFailure: Bool)
    /// The user or the supervisor asks to leave.
    case leaveRequested
    /// Time has passed.
    case tick
}

/// What a worker has to do.
public enum WorkerAction: Sendable, Equatable {
    /// Say hello on the present connection.
    case sendHello
    /// Map the data, or fetch it.
    case prepareData
    /// Tell the server that data are there and weights wanted.
    case sendReadyForWork
    /// Tell the server that all weights of a version are in place.
    case acknowledge(version: Int)
    /// Compute a lease with the weights in place.
    case compute(Lease)
    /// Close the connection, wait for the session's `pauseSeconds`, and make a new one.
    case reconnect(reason: String)
    /// Tell the server that the worker goes.
    case sendLeave
    /// End the process.
    case end(WorkerEnd)
}

/// How a worker ends.
public enum WorkerEnd: Sendable, Equatable {
    /// The run is over, or the worker was asked to leave.
    case finished(reason: String)
    /// The server cannot be reached, or refuses for good.
    case unreachable(reason: String)
    /// The run failed.
    case failed(reason: String)
    /// The server answers, but nothing comes of it.
    case fruitless(reason: String)
    /// The server found this worker's results wrong.
    case keptOut(reason: String)
}

/// The worker's state machine: hello, data, weights, leases; a new connection when the server falls silent.
public struct WorkerSession: Sendable {
    /// What the worker is doing.
    public enum Phase: Sendable, Equatable {
        /// Nothing sent yet.
        case disconnected
        /// Waiting for an answer to hello.
        case greeting(sentAt: Double)
        /// Getting the data.
        case preparing
        /// Waiting for weights and a lease.
        case waiting
        /// Computing.
        case computing(Lease)
        /// Over.
        case ended
    }

    /// What the worker is doing.
    public private(set) var phase: Phase = .disconnected
    /// The life of the server that the worker belongs to; 0 before the first welcome.
    public private(set) var incarnation: UInt64 = 0
    /// The version of the weights in place; `nil` before the first, and while a version is coming in.
    public private(set) var version: Int?
    private var lease: Lease?
    /// The identifier of the newest lease that came over this connection.
    private var lastLease = 0
    private var lastHeard: Double
    /// When the server was last known to live: the start, or the last sign of life.
    private var aloneSince: Double
    /// Since when the session has made new connections without any progress: a lease that was computed, or a while in
    /// which all was quiet. A server that talks and is of no use is no better than one that is silent.
    private var troubledSince: Double?
    /// New connections in that time.
    private var setbacks = 0
    /// When the session began to wait for work on this connection.
    private var waitingSince = 0.0
    /// How often the server sent nonsense since a lease was computed.
    private var misleadings = 0
    private static let misleadingsMax = 10
    private static let pauseSecondsMin = 0.2
    private static let pauseSecondsMax = 5.0

    /// How long to wait before a new connection: longer each time without progress.
    public var pauseSeconds: Double {
        min(Self.pauseSecondsMax, Self.pauseSecondsMin * Double(1 << min(10, max(0, setbacks - 1))))
    }

    private let silenceLimitSeconds: Double
    private let patienceSeconds: Double
    private let greetingLimitSeconds: Double

    /// A session that starts at `now`. It makes a new connection when the server was silent for
    /// `silenceLimitSeconds`, and gives up after `patienceSeconds` without any sign of life.
    public init(
        now: Double, silenceLimitSeconds: Double = 5, patienceSeconds: Double = 60, greetingLimitSeconds: Double = 2
    ) {
        lastHeard = now
        aloneSince = now
        self.silenceLimitSeconds = silenceLimitSeconds
        self.patienceSeconds = patienceSeconds
        self.greetingLimitSeconds = greetingLimitSeconds
    }

    /// Takes an event that happened at `now` (seconds on any monotonic clock).
    public mutating func handle(_ event: WorkerEvent, now: Double) -> [WorkerAction] {
        if phase == .ended { return [] }
        switch event {
        case .connected:
            phase = .greeting(sentAt: now)
            lastHeard = now
            lease = nil
            lastLease = 0
            version = nil
            return [.sendHello]
        case .heard:
            markHeard(now)
            return []
        case .welcomed(let incarnation):
            markHeard(now)
            guard case .greeting = phase else { return [] }
            self.incarnation = incarnation
            phase = .preparing
            return [.prepareData]
        case .dataReady:
            guard phase == .preparing else { return [] }
            lastHeard = now
            waitingSince = now
            phase = .waiting
            return [.sendReadyForWork]
        case .weightsReceived(let received, let isLast):
            markHeard(now)
            version = isLast ? received : nil
            return (isLast ? [.acknowledge(version: received)] : []) + startIfPossible()
        case .leased(let newLease):
            markHeard(now)
            // Identifiers rise: one that came twice must not take the place of a newer one.
            guard phase == .waiting, newLease.identifier > lastLease else { return [] }
            lastLease = newLease.identifier
            lease = newLease
            return startIfPossible()
        case .computed:
            guard case .computing = phase else { return [] }
            // No message was read while computing: the server's silence is ours.
            lastHeard = now
            waitingSince = now
            phase = .waiting
            noteProgress()
            misleadings = 0
            return []
        case .refused(let reason, let isFinal):
            markHeard(now)
            return isFinal ? end(.unreachable(reason: reason)) : reconnect("refused: \(reason)", now: now)
        case .misled(let reason):
            misleadings += 1
            let isTooOften = misleadings >= Self.misleadingsMax
            return isTooOften
                ? end(.fruitless(reason: "\(reason), \(misleadings) times without a lease that could be computed"))
                : reconnect("the server \(reason)", now: now)
        case .keptOut(let reason): return end(.keptOut(reason: reason))
        case .dismissed(let reason, let isFailure):
            return end(isFailure ? .failed(reason: reason) : .finished(reason: reason))
        case .leaveRequested:
            return [.sendLeave] + end(.finished(reason: "asked to leave"))
        case .tick: return tick(now)
        }
    }

    private mutating func startIfPossible() -> [WorkerAction] {
        guard phase == .waiting, let lease, version == lease.version else { return [] }
        self.lease = nil
        phase = .computing(lease)
        return [.compute(lease)]
    }

    private mutating func markHeard(_ now: Double) {
        lastHeard = now
        aloneSince = now
    }

    private mutating func tick(_ now: Double) -> [WorkerAction] {
        switch phase {
        case .disconnected, .preparing, .computing, .ended: return []
        case .greeting(let sentAt):
            if now - aloneSince > patienceSeconds { return giveUp(now) }
            guard now - sentAt > greetingLimitSeconds else { return [] }
            guard lastHeard > sentAt else { return reconnect("no answer to hello", now: now) }
            // The server lives, and has something else to do first.
            phase = .greeting(sentAt: now)
            return [.sendHello]
        case .waiting:
            if now - aloneSince > patienceSeconds { return giveUp(now) }
            if now - lastHeard > silenceLimitSeconds { return reconnect("the server is silent", now: now) }
            if now - waitingSince > 2 * silenceLimitSeconds { noteProgress() }
            return []
        }
    }

    private mutating func noteProgress() {
        troubledSince = nil
        setbacks = 0
    }

    private mutating func reconnect(_ reason: String, now: Double) -> [WorkerAction] {
        let since = troubledSince ?? now
        troubledSince = since
        setbacks += 1
        // Silence has a patience of its own.
        if now - since > patienceSeconds, now - aloneSince < silenceLimitSeconds {
            return end(.fruitless(reason: "\(reason); so it goes for \(Int((now - since).rounded())) s"))
        }
        phase = .disconnected
        lease = nil
        version = nil
        return [.reconnect(reason: reason)]
    }

    private mutating func giveUp(_ now: Double) -> [WorkerAction] {
        end(.unreachable(reason: "no answer from the server for \(Int((now - aloneSince).rounded())) s"))
    }

    private mutating func end(_ end: WorkerEnd) -> [WorkerAction] {
        phase = .ended
        return [.end(end)]
    }
}
