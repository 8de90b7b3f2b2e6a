// SocketOptions: everything that is decided about a socket before it binds or connects.

/// How TCP itself finds out that a silent peer has gone.
public struct TCPKeepAlive: Sendable, Equatable {
    /// Seconds of silence before the first probe.
    public var idleSeconds: Int
    /// Seconds between probes.
    public var intervalSeconds: Int
    /// Unanswered probes after which the connection is closed.
    public var probeCount: Int

    /// A keep-alive of `idleSeconds` + `intervalSeconds` × `probeCount`.
    public init(idleSeconds: Int = 15, intervalSeconds: Int = 5, probeCount: Int = 3) {
        self.idleSeconds = idleSeconds
        self.intervalSeconds = intervalSeconds
        self.probeCount = probeCount
    }
}

/// The settings of a socket. They are given when it is made, because most have no effect once it is attached.
public struct SocketOptions: Sendable, Equatable {
    /// The longest linger: a bound on how long the end of a context can take.
    public static let lingerMillisecondsMax = 10_000

    /// How long a closed socket still tries to hand over unsent messages; 0 drops them. Values are held to
    /// 0...`lingerMillisecondsMax`.
    public var lingerMilliseconds = 0

    /// Messages (not frames, not bytes) that may wait to be sent to one peer; 0 for no limit.
    public var sendHighWaterMark = 1000

    /// Messages that may wait to be received from one peer; 0 for no limit.
    public var receiveHighWaterMark = 1000

    /// The most bytes in one received frame. A peer that sends more is disconnected and its message dropped.
    public var frameBytesMax = 16 << 20

    /// The most frames in one received message; see `Socket.receiveMultipart()`.
    public var frameCountMax = 4096

    /// `send` gives up after this time with `.timedOut`; `nil` waits for ever.
    public var sendTimeoutMilliseconds: Int?

    /// `receive` gives up after this time with `.timedOut`; `nil` waits for ever.
    public var receiveTimeoutMilliseconds: Int?

    /// The name under which routers know this socket; `nil` lets each router choose one.
    public var routingIdentifier: RoutingIdentifier?

    /// A router's send to a peer that is not there throws `.hostUnreachable`; otherwise it is dropped in silence.
    public var reportsUnreachablePeers = true

    /// A router hands a name over to a new connection that claims it. Otherwise the new one is refused for as long as
    /// the old one seems open.
    public var handsOverRoutingIdentifiers = false

    /// Messages queue for completed connections only, and are dropped with the connection. Otherwise they also queue
    /// for an endpoint that nobody answers, and go to whoever answers there next.
    public var queuesOnlyForConnectedPeers = false

    /// TCP keep-alive; `nil` leaves it to the operating system.
    public var tcpKeepAlive: TCPKeepAlive? = TCPKeepAlive()

    /// First pause before a lost connection is tried again; doubled up to `reconnectIntervalMillisecondsMax`.
    public var reconnectIntervalMilliseconds = 100

    /// Longest pause before a lost connection is tried again.
    public var reconnectIntervalMillisecondsMax = 2000

    /// How long an attempt to connect may take; 0 leaves it to the operating system.
    public var connectTimeoutMilliseconds = 5000

    /// How long a new connection may take to introduce itself before it is closed.
    public var handshakeTimeoutMilliseconds = 10_000

    /// A descriptor of an open socket that listens already; binding takes it over instead of opening one of its own.
    public var listener: Int32?

    /// The socket's part in encryption; `nil` for plain text.
    public var curve: CurveRole?

    /// The defaults.
    public init() {}
}
