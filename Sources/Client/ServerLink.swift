// One connection to a server, and what is known of how far it got.

import Messaging
import Platform
import WireProtocol

/// A DEALER socket with a monitor beside it, so that silence can be explained. Bound to the thread that makes it.
final class ServerLink {
    /// How far the connection ever got.
    enum Stage: Int, Comparable {
        /// An attempt is under way.
        case trying
        /// Nobody took the connection.
        case declined
        /// Somebody took the connection and has not introduced itself as one of ours.
        case connected
        /// Both ends speak ZeroMQ.
        case greeted

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    /// A message that came in.
    struct Incoming: ~Copyable {
        var header: WireHeader
        var frames: FrameList
    }

    let endpoint: Endpoint
    private(set) var stage = Stage.trying
    /// Whether there is a connection at present, as far as was looked.
    private(set) var isConnected = false
    /// Tells whether the server will never talk to this client.
    private(set) var handshake: HandshakeWatch
    private let socket: Socket
    private let monitor: SocketMonitor
    private var poller = Poller()
    private let messages: Poller.Source

    /// Connects; the connection itself is made in the background.
    ///
    /// - Parameters:
    ///   - queues: whether messages wait for a connection; otherwise they are dropped without one.
    ///   - keys: the client's part in encryption; `nil` for none.
    init(to endpoint: Endpoint, queues: Bool, keys: CurveRole? = nil) throws(ClientError) {
        self.endpoint = endpoint
        handshake = HandshakeWatch(isEncrypted: keys != nil)
        var options = SocketOptions()
        options.queuesOnlyForConnectedPeers = !queues
        options.frameBytesMax = WireLimits.headerBytesMaximum
        options.reconnectIntervalMillisecondsMax = 500
        options.connectTimeoutMilliseconds = 3000
        options.curve = keys
        do {
            socket = try Socket(.dealer, in: Context(), options: options)
            monitor = try socket.monitor()
            try socket.connect(endpoint)
        } catch .invalidEndpoint, .addressUnavailable {
            throw .invalidEndpoint(endpoint.text)
        } catch {
            throw .system("\(error)")
        }
        messages = poller.add(socket)
        poller.add(monitor)
    }

    /// Sends a message if that is possible at once.
    ///
    /// - Returns: Whether it is on its way.
    @discardableResult
    func send(_ body: WireHeader.OneOf_Body) throws(ClientError) -> Bool {
        // Clients name neither run nor life: what they ask for is about whatever the server has now.
        var frame = Frame(copying: WireHeader(run: "", incarnation: 0, body: body).encoded())
        do {
            return try socket.trySend(&frame)
        } catch {
            throw .system("\(error)")
        }
    }

    /// The next message, if one comes in time.
    ///
    /// - Throws: `ClientError.otherProtocol` for a message that is not of this protocol.
    func receive(withinMilliseconds milliseconds: Int) throws(ClientError) -> Incoming? {
        let end = MonotonicClock.seconds + Double(milliseconds) / 1000
        do {
            while true {
                while let event = try monitor.next() { note(event.kind) }
                if let message = try socket.tryReceiveMultipart() { return try decode(message) }
                let left = Int(((end - MonotonicClock.seconds) * 1000).rounded(.up))
                guard left > 0, try poller.wait(milliseconds: left) else { return nil }
                // Woken by the monitor alone: the caller may want to know at once.
                if !poller.isReadable(messages) {
                    while let event = try monitor.next() { note(event.kind) }
                    return nil
                }
            }
        } catch let error as ClientError {
            throw error
        } catch MessagingError.tooManyFrames {
            throw .otherProtocol(endpoint, reason: "a message of too many frames came")
        } catch {
            throw .system("\(error)")
        }
    }

    private func decode(_ received: consuming FrameList) throws(ClientError) -> Incoming? {
        var message = received
        guard let first = message.popFirst() else { return nil }
        do {
            let header = try first.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
            return Incoming(header: header, frames: message)
        } catch {
            throw .otherProtocol(endpoint, reason: "\(error)")
        }
    }

    private func note(_ event: MonitorEvent.Kind) {
        handshake.note(event)
        switch event {
        case .connected: stage = max(stage, .connected)
        case .handshakeSucceeded: (stage, isConnected) = (.greeted, true)
        case .disconnected: isConnected = false
        case .connectRetried: stage = max(stage, .declined)
        default: break
        }
    }
}
