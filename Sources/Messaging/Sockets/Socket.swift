// Socket: one end of ZeroMQ's connections, owned by the thread that made it.

import CZeroMQ

/// What a socket does with messages.
public enum SocketKind: Sendable, Equatable, CaseIterable {
    /// Sends to its peers in turn and receives from all of them fairly.
    case dealer
    /// Sends to the peer named in the first frame; received messages begin with the sender's name.
    case router
    /// Sends to all subscribers whose prefix fits; never waits, drops for slow ones.
    case publisher
    /// Receives what it subscribed to.
    case subscriber
    /// Speaks to exactly one other pair socket.
    case pair

    var code: CInt {
        switch self {
        case .dealer: ZMQ_DEALER
        case .router: ZMQ_ROUTER
        case .publisher: ZMQ_PUB
        case .subscriber: ZMQ_SUB
        case .pair: ZMQ_PAIR
        }
    }
}

/// One end of ZeroMQ's connections.
///
///     let context = try Context()
///     let router = try Socket(.router, in: context)
///     let endpoint = try router.bind("tcp://127.0.0.1:*")     // tcp://127.0.0.1:49152
///
///     let dealer = try Socket(.dealer, in: context)
///     try dealer.connect(endpoint)
///     try dealer.send(Frame(copying: "hello"))
///     let name = try router.receive()                          // name.hasMore
///     let hello = try router.receive()                         // hello.text() == "hello"
///
/// A socket is made, used and closed on one thread; anything else stops the process with a message. It closes itself
/// at the end of its life, and never waits for that (see `Context` for what becomes of unsent messages).
///
/// Calls without `try` in front of their name's verb wait as long as the options say; `trySend` and `tryReceive` never
/// wait. All calls repeat themselves when a signal interrupts them.
public struct Socket: ~Copyable {
    let handle: SocketHandle
    /// Taken from the options.
    let frameCountMax: Int
    let sendTimeoutMilliseconds: Int?
    let receiveTimeoutMilliseconds: Int?

    /// Makes a socket for the calling thread.
    ///
    /// - Throws: `.tooManySockets`, `.terminated`, `.invalidOption` with the option's name, `.encryptionUnavailable`.
    public init(
        _ kind: SocketKind, in context: Context, options: SocketOptions = SocketOptions()
    ) throws(MessagingError) {
        // Complete before it is stored: a socket that an option fails for closes with its handle.
        let handle = try SocketHandle(kind, in: context)
        try options.apply(to: handle)
        self.handle = handle
        frameCountMax = options.frameCountMax
        sendTimeoutMilliseconds = options.sendTimeoutMilliseconds
        receiveTimeoutMilliseconds = options.receiveTimeoutMilliseconds
    }

    /// A socket that a simulation has made.
    init(_ simulated: any SimulatedSocket, kind: SocketKind, in context: Context) {
        let options = SocketOptions()
        handle = SocketHandle(simulated, kind: kind, in: context)
        frameCountMax = options.frameCountMax
        sendTimeoutMilliseconds = nil
        receiveTimeoutMilliseconds = nil
    }

    deinit {
        handle.close()
    }

    /// What kind of socket this is.
    public var kind: SocketKind { handle.kind }

    /// Closes the socket now rather than at the end of its life.
    public consuming func close() {}

    /// Closes the socket; unsent messages are still handed over for up to `lingerMilliseconds`, held to
    /// `SocketOptions.lingerMillisecondsMax`. Returns at once; `Context.terminate(withinMilliseconds:)` waits.
    public consuming func close(lingerMilliseconds: Int) {
        guard handle.simulated == nil else { return }
        try? handle.set(
            ZMQ_LINGER, min(max(0, lingerMilliseconds), SocketOptions.lingerMillisecondsMax), "lingerMilliseconds")
    }

    // MARK: Attaching

    /// Listens at an endpoint. As host, `*` means all interfaces, `[::]` those of IPv6 as well; a host's or an
    /// interface's name is looked up. `*` as port means a free one.
    ///
    /// - Returns: The endpoint in numbers, with the port that was chosen.
    /// - Throws: `.addressInUse`, `.addressUnavailable`, `.unknownHost`, `.invalidEndpoint`, `.permissionDenied`,
    ///   `.terminated`.
    @discardableResult
    public func bind(_ endpoint: Endpoint) throws(MessagingError) -> Endpoint {
        if let simulated = handle.simulated { return try simulated.bind(endpoint) }
        var failure: MessagingError?
        for place in try endpoint.bindingPlaces() {
            try handle.set(ZMQ_IPV6, place.isIPv6 ? 1 : 0, "IPv6")
            do {
                try attach(place, named: endpoint, .binding, zmq_bind)
                return try lastEndpoint()
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? .addressUnavailable(endpoint)
    }

    /// Connects to an endpoint. The connection is made, and made again when lost, in the background: this succeeds
    /// whether or not anybody listens there yet.
    ///
    /// Give a server that is restarted a port below 32768 (outside Linux's range of ephemeral ports): a client on the
    /// same machine that keeps trying a closed port of that range can, very rarely, connect to itself and hold it.
    ///
    /// - Throws: `.invalidEndpoint`, `.addressUnavailable`, `.terminated`.
    public func connect(_ endpoint: Endpoint) throws(MessagingError) {
        if let simulated = handle.simulated { return try simulated.connect(endpoint) }
        guard endpoint.transport != "tcp" || endpoint.problem(for: .connecting) == nil else {
            throw .invalidEndpoint(endpoint)
        }
        try handle.set(ZMQ_IPV6, endpoint.connectsOverIPv6() ? 1 : 0, "IPv6")
        try attach(endpoint, .connecting, zmq_connect)
    }

    /// Stops listening at an endpoint. Takes the endpoint that `bind` returned.
    public func unbind(_ endpoint: Endpoint) throws(MessagingError) {
        try attach(endpoint, .detaching, zmq_unbind)
    }

    /// Ends the connection to an endpoint and drops what waits to be sent there.
    public func disconnect(_ endpoint: Endpoint) throws(MessagingError) {
        try attach(endpoint, .detaching, zmq_disconnect)
    }

    /// Lets messages through whose first frame begins with `prefix`; an empty one lets all through. Subscribers only.
    public func subscribe(to prefix: String = "") throws(MessagingError) {
        try handle.set(ZMQ_SUBSCRIBE, bytes: Array(prefix.utf8), "subscribe")
    }

    /// Takes one earlier `subscribe` of the same prefix back.
    public func unsubscribe(from prefix: String = "") throws(MessagingError) {
        try handle.set(ZMQ_UNSUBSCRIBE, bytes: Array(prefix.utf8), "unsubscribe")
    }

    /// - Parameter name: what the endpoint is called in errors; itself if `nil`.
    private func attach(
        _ endpoint: Endpoint, named name: Endpoint? = nil, _ activity: MessagingActivity,
        _ call: (UnsafeMutableRawPointer?, UnsafePointer<CChar>?) -> CInt
    ) throws(MessagingError) {
        // A zero byte would end the text early in C, and mean another endpoint.
        guard !endpoint.text.utf8.contains(0) else { throw .invalidEndpoint(endpoint) }
        let socket = handle.raw
        guard retryOnInterrupt({ call(socket, endpoint.text) }) == 0 else {
            throw LibraryError.last.typed(activity, at: name ?? endpoint)
        }
    }

    private func lastEndpoint() throws(MessagingError) -> Endpoint {
        var text = [CChar](repeating: 0, count: 1024)
        var count = text.count
        guard zmq_getsockopt(handle.raw, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw LibraryError.last.typed(.configuring)
        }
        let bytes = text.prefix(max(0, count)).prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return Endpoint(String(decoding: bytes, as: UTF8.self))
    }
}
