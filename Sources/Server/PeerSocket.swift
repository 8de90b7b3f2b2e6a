// The socket of a server process: where workers, clients and other servers reach it.

import Foundation
import Logging
import Messaging
import Platform
import WireProtocol

/// A bound ROUTER socket with the identity of the run behind it. Belongs to the thread that makes it.
final class PeerSocket {
    let socket: Socket
    /// Where it listens, with the port that was chosen.
    let endpoint: Endpoint
    /// The endpoint that others are told: where a socket listens at all addresses, one of them.
    let advertised: Endpoint
    /// The run and the life of its server, which every message out carries.
    var run = ""
    var incarnation: UInt64 = 0
    /// What was refused or dropped.
    var counters = ServerCounters()
    /// Tells of connections.
    let monitor: SocketMonitor
    var connections = ConnectionWatch()
    var bounds = PeerBounds()
    /// What answers take that have not been read.
    var budget = AnswerBudget()
    /// Whose message is being answered.
    private var asker: (peer: RoutingIdentifier, connection: ConnectionIdentifier)?
    /// Peers that missed a message because their queue was full: nothing they hold can be relied on.
    var overflowed: Set<RoutingIdentifier> = []
    private let clock: ServerClock
    /// Lets the owners of listed keys in; `nil` where nothing is encrypted.
    private let gate: GateKeeper?

    /// Messages that may wait for one peer.
    static let queuedMessagesMax = 1 << 16
    /// Bytes of a frame that comes in, at most: tensors have 1 MiB, carried states and headers less than this.
    static let frameBytesMax = 16 << 20

    /// Listens.
    ///
    /// - Parameter listener: an inherited socket that listens at the endpoint already; `nil` to open one.
    /// - Throws: `ServerError.usage` beyond loopback without keys unless `isInsecure`, `.endpoint` if the endpoint
    ///   cannot be had.
    init(
        _ endpoint: Endpoint, isInsecure: Bool, keys: ServerKeys? = nil, listener: Int32? = nil, in context: Context,
        clock: ServerClock
    ) throws(ServerError) {
        func require(_ isLocal: Bool) throws(ServerError) {
            guard isLocal || isInsecure || keys != nil else {
                throw .usage(
                    "\(endpoint): listening beyond this machine without encryption lets anybody read and change "
                        + "the run; give --key and --allow, bind to tcp://127.0.0.1:PORT, or give --insecure on a "
                        + "network that you trust")
            }
        }
        do {
            // A simulated network has no names.
            let places = StandIn.current == nil ? try endpoint.bindingPlaces() : [endpoint]
            try require(places.allSatisfy(\.isLoopback))
        } catch let error as MessagingError {
            throw .endpoint("\(error)")
        } catch let error as ServerError {
            throw error
        } catch {
            throw .system("\(error)")
        }
        self.clock = clock
        do {
            var options = SocketOptions()
            options.lingerMilliseconds = ParameterServer.farewellMilliseconds
            // More than a version of any weights has chunks: a queue that is full belongs to a peer that is lost.
            options.sendHighWaterMark = Self.queuedMessagesMax
            options.receiveHighWaterMark = 128
            options.frameBytesMax = Self.frameBytesMax
            options.frameCountMax = WireLimits.framesMaximum
            options.handshakeTimeoutMilliseconds = ConnectionWatch.greetingMilliseconds
            options.curve = keys.map { .server(secretKey: $0.pair.secretKey) }
            // Before the socket: without a gate everybody who knows the server's key would be let in.
            gate = if let keys { try GateKeeper(keys, in: context) } else { nil }
            options.listener = listener
            socket = try Socket(.router, in: context, options: options)
            monitor = try socket.monitor()
        } catch {
            throw .system("\(error)")
        }
        do {
            self.endpoint = try socket.bind(endpoint)
            advertised = StandIn.current == nil ? self.endpoint.advertised : self.endpoint
        } catch {
            throw .endpoint("\(error)")
        }
        // A name may mean another address by now.
        try require(self.endpoint.isLoopback)
    }

    /// Adds what must be waited for.
    func listen(on poller: inout Poller) {
        poller.add(socket)
    }

    deinit { gate?.stop() }

    /// Counts those who asked to come in and were refused.
    func noteRefusals(logger: Logger) {
        guard let gate else { return }
        let refusals = gate.takeRefusals()
        if refusals.hasReread { logger.notice("the list of allowed keys has changed and was read again") }
        for decision in refusals.decisions {
            counters.refusedKeys += 1
            // Everybody can ask as often as they like; the log shall not grow with it.
            guard counters.refusedKeys <= 100 else { continue }
            logger.warning(
                "a key was refused",
                metadata: ["key": "\(decision.key?.text ?? "none")", "address": "\(decision.address)"])
        }
        counters.refusedKeys += refusals.count - refusals.decisions.count
    }

    /// Whether the sender of a message may say such a thing; if not, that is counted and told.
    func permits(_ body: WireHeader.OneOf_Body, from peer: RoutingIdentifier, with rights: PeerRights) -> Bool {
        if rights.isSuperset(of: body.neededRights) { return true }
        counters.forbidden += 1
        refuse(peer, .forbidden, "the key that was shown does not allow this")
        return false
    }

    /// Writes the endpoint into a file, whole or not at all: how a supervisor learns a free port.
    func announce(in file: String) throws(ServerError) {
        let text = Data("\(advertised)\n".utf8)
        // A later life at the same place has nothing to write, and needs no room on the disk for it.
        if let found = try? InputFile.contents(file, .regular, bytesMax: 1 << 12), found.elementsEqual(text) { return }
        do {
            try text.write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw .system("\(file): cannot be written: is the directory there, and writable?")
        }
    }

    /// Sends a message that the run depends on. A peer that has gone is counted; its silence will tell.
    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList(), to peer: RoutingIdentifier) {
        let before = clock.enter(.send)
        defer { clock.enter(before) }
        let header = WireHeader(run: run, incarnation: incarnation, body: body)
        var message = frames
        message.prepend(Frame(copying: header.encoded()))
        hand(message, to: peer)
    }

    /// Answers a question, unless the peer has left too many answers unread; that is counted.
    ///
    /// - Parameter shared: bytes that others hold in any case: they are sent behind the header, and cost nothing.
    func answer(
        _ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList(), shared: consuming Frame? = nil,
        to peer: RoutingIdentifier
    ) {
        let before = clock.enter(.send)
        defer { clock.enter(before) }
        let header = WireHeader(run: run, incarnation: incarnation, body: body).encoded()
        let connection = asker?.peer == peer ? asker?.connection : nil
        guard
            let reserved = budget.reserve(
                header.count + frames.byteCount, for: peer, over: connection, now: MonotonicClock.seconds)
        else {
            counters.droppedAnswers += 1
            return
        }
        var message = frames
        if let shared { message.append(shared) }
        message.prepend(Frame(copying: header).notifying { reserved.share.giveBack(reserved.bytes) })
        hand(message, to: peer)
    }

    private func hand(_ message: consuming FrameList, to peer: RoutingIdentifier) {
        var message = message
        do {
            if try socket.trySend(&message, to: peer) { return }
            counters.fullQueues += 1
            overflowed.insert(peer)
        } catch {
            counters.unreachablePeers += 1
        }
    }

    /// Tells a peer that its message was not taken, and why.
    func refuse(_ peer: RoutingIdentifier, _ reason: WireRefusalReason, _ explanation: String) {
        var refusal = WireRefusal()
        refusal.reason = reason
        refusal.explanation = explanation
        answer(.refusal(refusal), to: peer)
    }

    /// A message whose header was understood.
    struct Received: ~Copyable {
        var peer: RoutingIdentifier
        var header: WireHeader
        var frames: FrameList
        /// What it came over.
        var connection: ConnectionIdentifier?
        /// What its sender may do.
        var rights: PeerRights
    }

    /// Takes the next message in, if one waits, and hands it to `take`; one that cannot be understood is counted and
    /// refused.
    ///
    /// - Returns: Whether a message waited.
    func receive(_ take: (consuming Received) -> Void) throws(MessagingError) -> Bool {
        let received: FrameList?
        do {
            received = try socket.tryReceiveMultipart()
        } catch .tooManyFrames {
            counters.malformed += 1
            return true
        } catch {
            throw error
        }
        guard var message = received else { return false }
        guard let name = message.popFirst(), let head = message.popFirst() else {
            counters.malformed += 1
            return true
        }
        let peer = RoutingIdentifier(name)
        let connection = head.connection
        if !connections.noteMessage(over: connection) {
            try readMonitor(now: MonotonicClock.seconds)
            _ = connections.noteMessage(over: connection)
        }
        let rights = gate.map { $0.rights(ofKey: head.peerKeyText) } ?? .everything
        let before = asker
        asker = connection.map { (peer, $0) }
        defer { asker = before }
        do {
            let header = try head.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
            take(Received(peer: peer, header: header, frames: message, connection: connection, rights: rights))
        } catch {
            counters.malformed += 1
            let reason: WireRefusalReason = if case .protocolVersion = error { .protocolVersion } else { .malformed }
            refuse(peer, reason, "\(error)")
        }
        return true
    }

    /// Hands a message to `take` that was kept for later.
    func answering(_ received: consuming Received, _ take: (consuming Received) -> Void) {
        let (peer, connection) = (received.peer, received.connection)
        asker = connection.map { (peer, $0) }
        defer { asker = nil }
        take(received)
    }
}
