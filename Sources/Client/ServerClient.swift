// Questions with answers.

import Messaging
import Platform
import WireProtocol

/// Asks a server, and waits for each answer no longer than a deadline.
///
///     let client = try ServerClient(Endpoint(typed: "tcp://127.0.0.1:5555"))
///     print(try client.status().step)
///     let snapshot = try client.snapshot(.newest)
///
/// A client belongs to the thread that made it. After an error it is to be given up: late answers may be under way.
/// A server that answers nothing for `answerSecondsMax` is given up; one that says that it lives, and is busy with a
/// checkpoint on a slow disk, after ten minutes.
public final class ServerClient {
    /// The longest wait for an answer, in seconds, unless another is asked for. With the start of the process before it
    /// and the end after it, a command without an answer is over within 5 seconds.
    public static let defaultAnswerSecondsMax = 4.5
    /// How long an endpoint that declines connections is tried: a server may be between two lives.
    static let declineSecondsMax = 1.5
    /// How long a connection may take before somebody looks why, and how long that look may take.
    static let connectSecondsMax = 2.0
    static let probeMilliseconds = 1000
    /// After how long a server that has not answered is asked whether it lives, and how long one may be busy.
    static let askSeconds = 1.5
    static let busySecondsMax = 600.0

    /// Where the server is.
    public let endpoint: Endpoint
    private(set) var link: ServerLink
    let answerSecondsMax: Double
    private let keys: CurveRole?

    /// Begins to connect.
    ///
    /// - Parameter keys: the client's part in encryption; `nil` for none.
    /// - Throws: `ClientError.invalidEndpoint`, `.system`.
    public init(
        _ endpoint: Endpoint, keys: CurveRole? = nil, answerSecondsMax: Double = defaultAnswerSecondsMax
    ) throws(ClientError) {
        self.endpoint = endpoint
        self.keys = keys
        self.answerSecondsMax = answerSecondsMax
        link = try ServerLink(to: endpoint, queues: true, keys: keys)
    }

    /// Connects anew: answers that are still under way will not be taken for those to later questions.
    func reconnect() throws(ClientError) {
        link = try ServerLink(to: endpoint, queues: true, keys: keys)
    }

    /// What the run is doing.
    public func status() throws(ClientError) -> RunStatus {
        try link.send(.statusRequest(WireStatusRequest()))
        return try answer { body, _ in
            if case .status(let status) = body { return RunStatus(status) }
            return nil
        }
    }

    /// Asks the server to write a checkpoint and to end.
    public func stop() throws(ClientError) {
        try link.send(.stopRequest(WireStopRequest()))
        try acknowledgement()
    }

    /// Tells the server that a worker's process ended.
    public func reportDeath(ofWorker name: String, process: Int) throws(ClientError) {
        try link.send(.workerDeath(WireWorkerDeath(name: name, process: process)))
        try acknowledgement()
    }

    private func acknowledgement() throws(ClientError) {
        try answer { body, _ in
            if case .acknowledgement = body { return () }
            return nil
        }
    }

    /// The first message that `select` takes; others, late answers to earlier questions, are passed over.
    func answer<Answer>(
        _ select: (WireHeader.OneOf_Body, _ frames: inout FrameList) throws(ClientError) -> Answer?
    ) throws(ClientError) -> Answer {
        let began = MonotonicClock.seconds
        // When the server last said that it is busy, and when it was last asked.
        var (heardAt, askedAt) = (began, began)
        var hasProbed = false
        while true {
            let waited = MonotonicClock.seconds - began
            if link.stage != .greeted, let reason = link.handshake.explanation {
                throw .keys(endpoint, reason: reason)
            }
            if link.stage == .declined, waited > Self.declineSecondsMax {
                try explainAbsence()
                throw .nobodyListens(endpoint)
            }
            if link.stage != .greeted, waited > Self.connectSecondsMax, !hasProbed {
                hasProbed = true
                try explainAbsence()
            }
            let now = MonotonicClock.seconds
            guard now - heardAt < answerSecondsMax, waited < Self.busySecondsMax else { throw silence() }
            if link.stage == .greeted, now - max(heardAt, askedAt) > Self.askSeconds {
                // In the middle of a checkpoint it says how things are, and answers all else later.
                askedAt = now
                try link.send(.statusRequest(WireStatusRequest()))
            }
            let left = heardAt + answerSecondsMax - now
            let next =
                link.stage == .greeted ? min(left, Self.askSeconds) : hasProbed ? left : Self.connectSecondsMax - waited
            guard var message = try link.receive(withinMilliseconds: Int(max(0, next) * 1000) + 1) else { continue }
            guard let body = message.header.body else { continue }
            if case .refusal(let refusal) = body { throw Self.error(refusal, endpoint) }
            if let answer = try select(body, &message.frames) { return answer }
            if case .status = body { heardAt = MonotonicClock.seconds }
        }
    }

    /// Looks why there is no connection.
    ///
    /// - Throws: what it finds; nothing if a server may be there.
    private func explainAbsence() throws(ClientError) {
        guard let finding = endpoint.probe(withinMilliseconds: Self.probeMilliseconds) else { return }
        switch finding {
        // A server between two lives: it has the time that any answer has.
        case .listening, .mute: return
        case .refused: throw .nobodyListens(endpoint)
        case .foreign:
            throw .otherProtocol(endpoint, reason: "what listens there does not speak ZeroMQ's protocol")
        case .unknownHost, .silent, .unreachable:
            throw .unreachable(endpoint, reason: finding.explanation(endpoint) ?? "")
        }
    }

    private func silence() -> ClientError {
        switch link.stage {
        case .trying, .declined: .nobodyListens(endpoint)
        case .connected, .greeted: .noAnswer(endpoint, seconds: answerSecondsMax)
        }
    }

    static func error(_ refusal: WireRefusal, _ endpoint: Endpoint) -> ClientError {
        // One line, whatever the other side wrote.
        let words = ForeignText.shown(
            refusal.explanation.split(whereSeparator: \.isNewline).joined(separator: " "), bytesMax: 500)
        return refusal.reason == .protocolVersion
            ? .otherProtocol(endpoint, reason: words) : .refused(endpoint, reason: words)
    }
}

extension WireWorkerDeath {
    init(name: String, process: Int) {
        self.init()
        self.name = name
        self.process = Int64(process)
    }
}
