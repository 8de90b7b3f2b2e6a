// One connection to the server, with the identity of the run behind it.

import Messaging
import Platform
import WireProtocol

/// A DEALER socket to the server. Bound to the thread that makes it.
final class ServerConnection {
    let socket: Socket
    /// Where the server listens.
    let endpoint: Endpoint
    /// The name under which the server knows this connection.
    let identity: RoutingIdentifier
    /// The run and the server's life, once it has answered.
    var run = ""
    var incarnation: UInt64 = 0
    /// The worker's part in encryption; `nil` for none.
    let keys: CurveRole?
    /// Tells of the connection being made and lost.
    let monitor: SocketMonitor
    /// When the connection was lost, and with it perhaps messages; `nil` while it was not.
    private(set) var lostAt: Double?
    private var wasMade = false
    private var handshake: HandshakeWatch
    /// Whether both ends have introduced themselves, as far as was looked.
    private(set) var isGreeted = false
    /// Counts how long sending takes.
    private let clock: WorkerClock
    /// Looks at a server that ends every connection without a word.
    private var doubt = KeyDoubt()

    /// Connects; the connection itself is made in the background.
    ///
    /// - Parameter keysFit: whether the server is known to be the one whose key the worker was given.
    init(
        to endpoint: Endpoint, identity: RoutingIdentifier, keys: CurveRole?, keysFit: Bool = false, context: Context,
        clock: WorkerClock
    ) throws(MessagingError) {
        self.endpoint = endpoint
        self.keys = keys
        handshake = HandshakeWatch(isEncrypted: keys != nil, keysFit: keysFit)
        self.identity = identity
        self.clock = clock
        var options = SocketOptions()
        options.routingIdentifier = identity
        options.lingerMilliseconds = 500
        // Bounded by the protocol: the gradients of one lease go out, one version of the weights comes in.
        options.sendHighWaterMark = 0
        options.receiveHighWaterMark = 0
        options.frameBytesMax = 64 << 20
        options.sendTimeoutMilliseconds = 10_000
        options.curve = keys
        socket = try Socket(.dealer, in: context, options: options)
        monitor = try socket.monitor()
        try socket.connect(endpoint)
    }

    /// Sends a header and its frames.
    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList()) throws(MessagingError) {
        let before = clock.enter(.push)
        defer { clock.enter(before) }
        let header = WireHeader(run: run, incarnation: incarnation, body: body)
        var message = frames
        message.prepend(Frame(copying: header.encoded()))
        try socket.send(message)
    }

    /// Looks at what happened to the connection.
    ///
    /// - Returns: Why the server will never talk to this worker; `nil` while it may.
    func watch() throws(MessagingError) -> String? {
        while let event = try monitor.next() {
            handshake.note(event.kind)
            switch event.kind {
            case .handshakeSucceeded: (wasMade, isGreeted) = (true, true)
            case .disconnected:
                isGreeted = false
                if wasMade { lostAt = lostAt ?? MonotonicClock.seconds }
            default: break
            }
        }
        guard handshake.isWordless else { return handshake.explanation }
        return doubt.isConfirmed(at: endpoint) ? handshake.explanation : nil
    }

    /// The next message, if one comes in time; messages that do not decode are passed over.
    func receive(withinMilliseconds milliseconds: Int) throws(MessagingError) -> Incoming? {
        guard var message = try socket.receiveMultipart(withinMilliseconds: milliseconds),
            let first = message.popFirst()
        else { return nil }
        do {
            let header = try first.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
            return Incoming(header: header, frames: message)
        } catch {
            return Incoming(problem: error)
        }
    }

    /// A message that came in.
    struct Incoming: ~Copyable {
        var header: WireHeader?
        var frames = FrameList()
        var problem: WireError?

        init(header: WireHeader, frames: consuming FrameList) {
            self.header = header
            self.frames = frames
        }

        init(problem: WireError) { self.problem = problem }
    }
}
