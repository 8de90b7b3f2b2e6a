// Module Client: questions to a running server, each with a deadline.
//
//     ServerClient ──▶ ServerLink ──(DEALER)──▶ the server's data port
//       status, snapshot, stop          one question, one answer, at most `answerSecondsMax` of waiting
//     StatusFeed ────▶ ServerLink
//       status again and again          never waits: for supervisors and monitors, which have more to do
//
// The module knows the wire messages and turns them into values. It never knows what text a model writes, who started
// the server, or how a terminal shows a status.

import Messaging
import Platform

/// Why a server could not be asked, or did not give what was asked for.
public enum ClientError: Error, Equatable, CustomStringConvertible {
    /// The text is no endpoint.
    case invalidEndpoint(String)
    /// No connection could be made.
    case nobodyListens(Endpoint)
    /// No connection could be made, and this is why.
    case unreachable(Endpoint, reason: String)
    /// Something listens that does not speak our protocol.
    case otherProtocol(Endpoint, reason: String)
    /// A server is there and gives no answer in time.
    case noAnswer(Endpoint, seconds: Double)
    /// The server refused, with its reason.
    case refused(Endpoint, reason: String)
    /// The two ends cannot talk: the keys do not fit.
    case keys(Endpoint, reason: String)
    /// An answer that does not fit together.
    case malformed(Endpoint, reason: String)
    /// What was fetched cannot be written there.
    case output(String)
    /// The disk did not take what was fetched.
    case storage(String)
    /// Messaging itself failed.
    case system(String)

    /// The problem in one line.
    public var description: String {
        switch self {
        case .invalidEndpoint(let text):
            "'\(ForeignText.shown(text))' is not an endpoint: "
                + (Endpoint(text).problem(for: .connecting) ?? "expected something like tcp://127.0.0.1:5555")
        case .nobodyListens(let endpoint):
            "nobody listens at \(endpoint); is rondo-server running there, and the port open?"
        case .unreachable(let endpoint, let reason): "no connection to \(endpoint): \(reason)"
        case .otherProtocol(let endpoint, let reason):
            "no Rondo server of this version at \(endpoint): \(reason)"
        case .noAnswer(let endpoint, let seconds):
            "no answer from \(endpoint) within \(Self.text(seconds)) s; the server hangs, is being restarted, "
                + "or is no Rondo server"
        case .keys(let endpoint, let reason): "no connection to \(endpoint): \(reason)"
        case .refused(let endpoint, let reason): "refused by \(endpoint): \(reason)"
        case .malformed(let endpoint, let reason): "an answer of \(endpoint) makes no sense: \(reason)"
        case .output(let text), .storage(let text), .system(let text): text
        }
    }

    private static func text(_ seconds: Double) -> String {
        seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    }
}

extension Endpoint {
    /// An endpoint as a user typed it.
    ///
    /// - Throws: `ClientError.invalidEndpoint` unless it is `tcp://HOST:PORT` or another transport with an address.
    public init(typed text: String) throws(ClientError) {
        self.init(text)
        guard ["tcp", "ipc"].contains(transport), problem(for: .connecting) == nil else { throw .invalidEndpoint(text) }
    }
}
