// CurveGate: the list of keys that may come in, asked by the library at every encrypted handshake (ZeroMQ RFC 27, ZAP).

import CZeroMQ

/// Decides which public keys may connect to the CURVE servers of a context.
///
///     var gate = try CurveGate(in: context, allowing: keys)        // before the server binds
///     let source = poller.add(gate)
///     …
///     if poller.isReadable(source) {
///         for decision in try gate.answer() where !decision.isAllowed { log(decision) }
///     }
///
/// The gate belongs to the thread that made it, and that thread must answer: handshakes wait until it does, and end
/// after the sockets' `handshakeTimeoutMilliseconds`. There is one gate in a context. Keep it for as long as any server
/// socket is bound: the library lets everybody in who knows the server's key when there is no gate.
public struct CurveGate: ~Copyable {
    /// One question and its answer.
    public struct Decision: Sendable, Equatable {
        /// The key that asked; `nil` when the question was malformed.
        public let key: CurvePublicKey?
        /// The network address that asked, without port.
        public let address: String
        /// Whether it may come in.
        public let isAllowed: Bool
    }

    /// Where the library looks for the gate.
    private static let endpoint: Endpoint = "inproc://zeromq.zap.01"

    let socket: Socket

    /// The keys that may come in. A change holds for handshakes to come; it does not cut connections.
    public var allowedKeys: Set<CurvePublicKey>

    /// Opens the gate.
    ///
    /// - Throws: `.addressInUse` when the context has a gate; `.tooManySockets`; `.terminated`.
    public init(in context: Context, allowing keys: Set<CurvePublicKey>) throws(MessagingError) {
        let socket = try Socket(.router, in: context)
        try socket.bind(CurveGate.endpoint)
        self.socket = socket
        allowedKeys = keys
    }

    /// Answers all questions that wait; never waits for one.
    ///
    /// - Returns: The decisions, in order.
    /// - Throws: `.terminated`.
    public func answer() throws(MessagingError) -> [Decision] {
        let allowedKeys = allowedKeys
        return try answer { allowedKeys.contains($0) }
    }

    /// Answers all questions that wait as `isAllowed` says, whatever `allowedKeys` holds; never waits for one.
    ///
    /// - Returns: The decisions, in order.
    /// - Throws: `.terminated`.
    public func answer(_ isAllowed: (CurvePublicKey) -> Bool) throws(MessagingError) -> [Decision] {
        var decisions: [Decision] = []
        while let question = try socket.tryReceiveMultipart() {
            if let decision = try answer(question, isAllowed) { decisions.append(decision) }
        }
        return decisions
    }

    /// Frames of a question: name, empty, version, request, domain, address, identity, mechanism, key.
    private func answer(
        _ question: consuming FrameList, _ isAllowed: (CurvePublicKey) -> Bool
    ) throws(MessagingError) -> Decision? {
        let parts = question.takeAllBytes()
        guard parts.count >= 4, parts[2] == Array("1.0".utf8) else { return nil }
        let isCurve = parts.count == 9 && parts[7] == Array("CURVE".utf8)
        let key = isCurve ? CurvePublicKey(bytes: parts[8]) : nil
        let isAllowed = key.map(isAllowed) ?? false
        let address = parts.count > 5 ? String(decoding: parts[5], as: UTF8.self) : ""

        var reply = FrameList()
        reply.append(Frame(copying: parts[0]))
        reply.append(Frame())
        reply.append(Frame(copying: "1.0"))
        reply.append(Frame(copying: parts[3]))
        reply.append(Frame(copying: isAllowed ? "200" : "400"))
        reply.append(Frame(copying: isAllowed ? "OK" : "this key may not come in"))
        reply.append(Frame(copying: isAllowed ? key?.text ?? "" : ""))
        reply.append(Frame())
        do {
            try socket.send(reply)
        } catch .hostUnreachable {
            // The connection that asked has gone meanwhile.
        }
        return Decision(key: key, address: address, isAllowed: isAllowed)
    }
}

extension FrameList {
    /// Takes all frames out and copies their bytes; for short frames.
    fileprivate mutating func takeAllBytes() -> [[UInt8]] {
        var parts: [[UInt8]] = []
        while let frame = popFirst() { parts.append(frame.bytes()) }
        return parts
    }
}
