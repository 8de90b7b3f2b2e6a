// A simulated socket, with ZeroMQ's promises.

import Messaging

/// A dealer, a router, or the monitor of one.
final class NodeSocket: SimulatedSocket {
    let kind: SocketKind
    let node: Node
    private(set) var options = SocketOptions()
    private var isClosed = false
    private weak var monitorSocket: NodeSocket?
    /// The thread that waits for messages.
    private var waiter: SimulatedThread?

    // What came in.
    private var inbox: [Message] = []
    private var inboxStart = 0
    private var incoming: [[UInt8]] = []
    private var incomingStart = 0
    /// The frames of a message that is being sent.
    private var outgoing: [[UInt8]] = []

    // A router's.
    private var peers: [[UInt8]: Connection] = [:]

    // A dealer's.
    private var endpoint: Endpoint?
    var connection: Connection?
    private var isEstablished = false
    private var attempt = 0
    private var failures = 0
    /// Messages that wait for a connection.
    private var unsent: [Message] = []

    init(_ kind: SocketKind, of node: Node) {
        self.kind = kind
        self.node = node
    }

    private var world: World { node.world }
    private var network: Network { node.network }

    func configure(_ options: SocketOptions) { self.options = options }

    func bind(_ endpoint: Endpoint) throws(MessagingError) -> Endpoint {
        guard node.step() else { throw .terminated }
        guard kind == .router else { throw .unsupported(.binding) }
        try network.listen(self, at: endpoint)
        return endpoint
    }

    func connect(_ endpoint: Endpoint) throws(MessagingError) {
        guard node.step() else { throw .terminated }
        guard kind == .dealer, self.endpoint == nil else { throw .unsupported(.connecting) }
        self.endpoint = endpoint
        tryToConnect()
    }

    func monitor() throws(MessagingError) -> any SimulatedSocket {
        guard node.step() else { throw .terminated }
        let monitor = NodeSocket(.pair, of: node)
        monitorSocket = monitor
        return monitor
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        network.close(self)
        connection = nil
        peers = [:]
        node.forget(self)
    }

    // MARK: - Connections

    private func tryToConnect() {
        guard let endpoint, !isClosed, !node.isDead else { return }
        attempt += 1
        network.connect(self, to: endpoint, attempt: attempt)
    }

    func isConnecting(attempt: Int) -> Bool { !isClosed && !node.isDead && attempt == self.attempt }

    func connectFailed(attempt: Int) {
        guard isConnecting(attempt: attempt) else { return }
        retry()
    }

    /// Tries again after a pause, which grows with every failure.
    private func retry() {
        failures += 1
        let longest = max(options.reconnectIntervalMilliseconds, options.reconnectIntervalMillisecondsMax)
        let pause = min(options.reconnectIntervalMilliseconds << min(failures - 1, 10), longest)
        world.after(
            seconds: Double(pause) * world.random.pick(0.001...0.0015), .perform { [self] in tryToConnect() })
    }

    /// A router's: somebody has connected.
    func accept(_ connection: Connection) {
        if peers[connection.identity] != nil {
            connection.isIgnored = true
        } else {
            peers[connection.identity] = connection
        }
    }

    func noteOpened(_ connection: Connection) {
        guard connection === self.connection else { return }
        isEstablished = true
        failures = 0
        report(isConnected: true)
        for message in unsent { connection.toRouter.put(.message(message)) }
        unsent = []
    }

    func noteClosed(_ connection: Connection) {
        world.log.note(
            world.now, node.number, LogKind.disconnect, connection.number,
            "\(node.name) loses connection \(connection.number)")
        if kind == .router {
            if peers[connection.identity] === connection { peers[connection.identity] = nil }
        } else if connection === self.connection {
            self.connection = nil
            if isEstablished { report(isConnected: false) }
            isEstablished = false
            retry()
        }
    }

    private func report(isConnected: Bool) {
        guard let monitorSocket, let endpoint else { return }
        let frames = MonitorEvent.frames(isConnected: isConnected, endpoint: endpoint)
        monitorSocket.put(Message(frames, headerAt: .max))
    }

    // MARK: - Out

    func send(_ frame: borrowing Frame, more: Bool, waits: Bool) throws(MessagingError) -> Bool {
        if outgoing.isEmpty {
            guard node.step() else { throw .terminated }
            if kind == .router {
                guard peers[frame.bytes()] != nil else { throw .hostUnreachable }
            } else {
                guard kind == .dealer else { throw .unsupported(.sending) }
                guard try awaitRoom(waits: waits) else { return false }
            }
        }
        outgoing.append(frame.bytes())
        if more { return true }
        var frames: [[UInt8]] = []
        swap(&frames, &outgoing)
        if kind == .router {
            let identity = frames.removeFirst()
            dispatch(Message(frames, headerAt: 0), over: peers[identity])
        } else {
            let message = Message(frames, headerAt: 0)
            compute(message)
            guard !node.isDead else { throw .terminated }
            dispatch(message, over: connection)
        }
        return true
    }

    private func dispatch(_ sent: Message, over connection: Connection?) {
        var message = sent
        network.tamper?(&message, node)
        node.place.liar?.alter(&message)
        let kind = message.summary.kind
        world.log.note(
            world.now, node.number, LogKind.send, kind &* 8191 &+ message.summary.numbers[0],
            "\(node.name) sends \(message.summary)"
                + (connection.map { " to \((self === $0.dealer ? $0.router : $0.dealer).node.name)" } ?? ", later"))
        guard let connection, self.kind == .router || isEstablished else {
            if self.kind == .dealer { unsent.append(message) }
            return
        }
        let lane: Lane = self.kind == .router ? connection.toDealer : connection.toRouter
        lane.put(.message(message))
        guard network.duplicates() else { return }
        // At once, or behind what comes later.
        if world.random.happens(0.5) { return lane.put(.message(message)) }
        world.after(seconds: world.random.pick(0...0.5), .perform { lane.put(.message(message)) })
    }

    /// What the process had to compute before it could send this takes its time.
    private func compute(_ message: Message) {
        let share: Double
        switch message.summary.kind {
        case 12, 19: share = 0.1
        case 13: share = 1
        default: return
        }
        node.sleep(seconds: node.place.secondsPerShard * share * world.random.pick(0.5...1.5))
    }

    /// Waits for room in the queue of a dealer without connection.
    private func awaitRoom(waits: Bool) throws(MessagingError) -> Bool {
        let limit = options.sendHighWaterMark
        guard limit > 0, !isEstablished, unsent.count >= limit else { return true }
        let seconds = waits ? Double(options.sendTimeoutMilliseconds ?? 3_600_000) / 1000 : 0
        let end = world.now + UInt64(seconds * 1e9)
        while world.now < end, unsent.count >= limit {
            world.wait(until: min(end, world.now + 50_000_000))
            guard node.step() else { throw .terminated }
        }
        return unsent.count < limit
    }

    // MARK: - In

    func take(_ message: Message, over connection: Connection) {
        guard !isClosed, !connection.isIgnored else { return network.noteLost(1) }
        world.log.note(
            world.now, node.number, LogKind.arrive, message.summary.kind &* 8191 &+ message.summary.numbers[0],
            "    \(node.name) has \(message.summary)")
        var message = message
        if kind == .router { message.frames.insert(connection.identity, at: 0) }
        put(message)
    }

    private func put(_ message: Message) {
        inbox.append(message)
        if let waiter { world.wake(waiter) }
    }

    var isReadable: Bool { !isClosed && (inboxStart < inbox.count || incomingStart < incoming.count) }

    func receive(waits: Bool) throws(MessagingError) -> Frame? {
        if incomingStart == incoming.count {
            guard node.step() else { throw .terminated }
            while inboxStart == inbox.count {
                guard waits else { return nil }
                _ = try wait(for: [self], milliseconds: options.receiveTimeoutMilliseconds ?? 3_600_000)
            }
            let message = inbox[inboxStart]
            inboxStart += 1
            if inboxStart == inbox.count { (inbox, inboxStart) = ([], 0) }
            (incoming, incomingStart) = (message.frames, 0)
            if kind != .pair { node.checker.noteReceived(message, by: node) }
        }
        var frame = Frame(copying: incoming[incomingStart])
        incomingStart += 1
        frame.hasMore = incomingStart < incoming.count
        return frame
    }

    func wait(for sockets: [any SimulatedSocket], milliseconds: Int) throws(MessagingError) -> Bool {
        guard node.step() else { throw .terminated }
        if sockets.contains(where: \.isReadable) { return true }
        guard milliseconds > 0, let thread = world.running else { return false }
        // Short waits only serve to look around: on a busy machine they last longer, and so they do here.
        let stretched = milliseconds <= 100 ? milliseconds * node.checker.lateness : milliseconds
        let end = world.now + UInt64(stretched) * 1_000_000
        for socket in sockets { (socket as? NodeSocket)?.waiter = thread }
        defer { for socket in sockets { (socket as? NodeSocket)?.waiter = nil } }
        let requests = node.terminationRequests
        while world.now < end, node.terminationRequests == requests {
            world.wait(until: end)
            guard !node.isDead else { throw .terminated }
            if sockets.contains(where: \.isReadable) { return true }
        }
        return false
    }
}
