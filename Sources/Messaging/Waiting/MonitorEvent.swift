// MonitorEvent: what happens to the connections of a socket, as values.

import CZeroMQ

/// Why the two ends of a new connection did not agree to talk.
public enum HandshakeFailure: Sendable, Equatable {
    /// The connection broke, or took too long.
    case connection(reason: String)
    /// The peer is not of our protocol, or one end encrypts and the other does not.
    case protocolMismatch
    /// The keys do not fit: the peer was given the wrong key of the server.
    case wrongKey
    /// The `CurveGate` refused the peer's key.
    case keyRefused

    /// What a client can do about it; `nil` where trying again may help.
    ///
    /// - Parameter isEncrypted: whether the client has keys.
    public func explanation(isEncrypted: Bool) -> String? {
        switch self {
        case .connection: nil
        case .keyRefused: "this key is not on the server's list of allowed keys (--allow there)"
        case .wrongKey: "the server has another key than the one given by --server-key"
        case .protocolMismatch where isEncrypted:
            "the server is not encrypted, has another key than the one given by --server-key, or is none of ours"
        case .protocolMismatch:
            "the server wants encryption (give --key and --server-key), or is none of ours"
        }
    }
}

/// Something that happened to a connection of a monitored socket.
public struct MonitorEvent: Sendable, Equatable {
    /// What happened.
    public enum Kind: Sendable, Equatable {
        /// A connection to a peer was made; the handshake follows.
        case connected
        /// A connection could not be made at once and is being tried in the background.
        case connectDelayed
        /// The next attempt to connect comes after this time.
        case connectRetried(afterMilliseconds: Int)
        /// The socket listens.
        case listening
        /// The socket could not listen.
        case bindFailed(reason: String)
        /// A peer's connection was accepted; the handshake follows.
        case accepted
        /// A peer's connection could not be accepted.
        case acceptFailed(reason: String)
        /// A connection or a listening socket was closed by this end.
        case closed
        /// Closing failed.
        case closeFailed(reason: String)
        /// A connection broke, or the peer closed it.
        case disconnected
        /// Both ends agreed to talk: messages flow from here on.
        case handshakeSucceeded
        /// The ends did not agree; the connection is closed.
        case handshakeFailed(HandshakeFailure)
        /// The last event: the socket was closed.
        case stopped
        /// An event of a newer library.
        case unknown
    }

    /// What happened.
    public let kind: Kind
    /// The endpoint of this socket's own bind or connect call that the connection belongs to.
    public let endpoint: Endpoint
    /// The connection, where the event is about one; equals `Frame.connection` of what is received over it.
    public let connection: ConnectionIdentifier?

    /// Reads the two frames of an event. Any bytes give a value.
    init(header: [UInt8], endpoint: String) {
        // The library writes both numbers in the machine's own order: an event and what it carries.
        let bits = header.count >= 2 ? UInt16(header[0]).machineOrdered(with: header[1]) : 0
        var value: UInt32 = 0
        if header.count >= 6 {
            withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: header[2..<6]) }
        }
        let code = CInt(truncatingIfNeeded: value)
        let (kind, isAboutConnection) = MonitorEvent.kind(event: CInt(bits), value: code)
        self.kind = kind
        self.endpoint = Endpoint(endpoint)
        connection = isAboutConnection ? ConnectionIdentifier(descriptor: code) : nil
    }

    static let handshakeSucceededCode = ZMQ_EVENT_HANDSHAKE_SUCCEEDED
    static let disconnectedCode = ZMQ_EVENT_DISCONNECTED

    private static func kind(event: CInt, value: CInt) -> (Kind, isAboutConnection: Bool) {
        let reason = LibraryError(code: value).reason
        return switch event {
        case ZMQ_EVENT_CONNECTED: (.connected, true)
        case ZMQ_EVENT_CONNECT_DELAYED: (.connectDelayed, false)
        case ZMQ_EVENT_CONNECT_RETRIED: (.connectRetried(afterMilliseconds: Int(value)), false)
        case ZMQ_EVENT_LISTENING: (.listening, false)
        case ZMQ_EVENT_BIND_FAILED: (.bindFailed(reason: reason), false)
        case ZMQ_EVENT_ACCEPTED: (.accepted, true)
        case ZMQ_EVENT_ACCEPT_FAILED: (.acceptFailed(reason: reason), false)
        case ZMQ_EVENT_CLOSED: (.closed, false)
        case ZMQ_EVENT_CLOSE_FAILED: (.closeFailed(reason: reason), false)
        case ZMQ_EVENT_DISCONNECTED: (.disconnected, true)
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: (.handshakeSucceeded, false)
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: (.handshakeFailed(.connection(reason: reason)), false)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL where value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            (.handshakeFailed(.wrongKey), false)
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: (.handshakeFailed(.protocolMismatch), false)
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: (.handshakeFailed(.keyRefused), false)
        case ZMQ_EVENT_MONITOR_STOPPED: (.stopped, false)
        default: (.unknown, false)
        }
    }
}

extension UInt16 {
    /// This byte and the next one in memory as a number in the machine's own order.
    fileprivate func machineOrdered(with next: UInt8) -> UInt16 {
        UInt16(littleEndian: 1) == 1 ? self | UInt16(next) << 8 : self << 8 | UInt16(next)
    }
}
