// The simulated network: who listens, which connections there are, and what is cut off from what.

import Messaging

/// Where a process lives: one life after the other.
final class Place {
    let number: Int
    let name: String
    /// The machine.
    let host: String
    /// Where it listens, if it does.
    let endpoint: Endpoint
    /// Seconds that a shard takes to compute here.
    var secondsPerShard = 0.0
    /// Changes what is sent from here.
    var liar: Liar?

    init(number: Int, name: String, host: String) {
        self.number = number
        self.name = name
        self.host = host
        endpoint = Endpoint("tcp://10.0.0.\(number + 1):5555")
    }
}

/// How the network treats messages.
struct NetworkConditions {
    /// Seconds that a message is under way.
    var delay: ClosedRange<Double> = 0.0001...0.001
    /// The probability that it takes up to `spike` seconds instead.
    var spikeProbability = 0.0
    var spike = 1.0
    /// The probability that a message comes twice.
    var duplication = 0.0
}

/// A cut between some places and all others.
struct NetworkCut {
    var places: Set<Int>
    /// Whether what these places send is held back, and what is sent to them.
    var holdsOut: Bool
    var holdsIn: Bool

    func holds(from: Place, to: Place) -> Bool {
        let (isFrom, isTo) = (places.contains(from.number), places.contains(to.number))
        return isFrom != isTo && (isFrom ? holdsOut : holdsIn)
    }
}

/// All connections of a world.
final class Network {
    let world: World
    /// The machine with the run's data.
    let dataHost: String
    var conditions = NetworkConditions()
    private(set) var counts = FaultCounts()
    /// Changes messages on their way: what no network does, for tests of the checks.
    var tamper: ((inout Message, Node) -> Void)?
    private var listeners: [String: NodeSocket] = [:]
    private var connections: [Connection] = []
    private var cuts: [Int: NetworkCut] = [:]
    private var cutCount = 0
    private var stalled: [Lane] = []
    private var connectionCount = 0

    init(_ world: World, dataHost: String) {
        self.world = world
        self.dataHost = dataHost
    }

    // MARK: - Attaching

    func listen(_ socket: NodeSocket, at endpoint: Endpoint) throws(MessagingError) {
        guard listeners[endpoint.text] == nil else { throw .addressInUse(endpoint) }
        listeners[endpoint.text] = socket
    }

    /// Tries to connect a dealer; it is told by its lane, or called back when there is nobody or no answer.
    func connect(_ dealer: NodeSocket, to endpoint: Endpoint, attempt: Int) {
        let delay = randomDelay()
        world.after(seconds: delay, .perform { self.accept(dealer, at: endpoint, attempt: attempt) })
    }

    private func accept(_ dealer: NodeSocket, at endpoint: Endpoint, attempt: Int) {
        guard dealer.isConnecting(attempt: attempt) else { return }
        guard let listener = listeners[endpoint.text] else {
            return world.after(seconds: randomDelay(), .perform { dealer.connectFailed(attempt: attempt) })
        }
        let (here, there) = (dealer.node.place, listener.node.place)
        if isCut(from: here, to: there) || isCut(from: there, to: here) {
            return world.after(seconds: 5, .perform { dealer.connectFailed(attempt: attempt) })
        }
        connectionCount += 1
        let connection = Connection(number: connectionCount, dealer: dealer, router: listener, network: self)
        connections.append(connection)
        world.log.note(
            world.now, here.number, LogKind.connect, there.number,
            "\(dealer.node.name) connects to \(listener.node.name) (\(connection.number))")
        listener.accept(connection)
        dealer.connection = connection
        connection.toDealer.put(.opened)
    }

    func close(_ socket: NodeSocket) {
        for (endpoint, listener) in listeners where listener === socket { listeners[endpoint] = nil }
        for connection in connections where connection.dealer === socket || connection.router === socket {
            connection.close(by: socket)
        }
    }

    func forget(_ connection: Connection) { connections.removeAll { $0 === connection } }

    // MARK: - Faults

    /// A process was killed: some of what it had sent last is lost.
    func crash(_ node: Node, silence: Double) {
        for connection in connections {
            if connection.dealer.node === node { connection.toRouter.loseSome() }
            if connection.router.node === node { connection.toDealer.loseSome() }
        }
        for connection in connections {
            if connection.dealer.node === node { connection.close(by: connection.dealer, after: silence) }
            if connection.router.node === node { connection.close(by: connection.router, after: silence) }
        }
        listeners = listeners.filter { $0.value.node !== node }
    }

    /// Breaks one of the connections; some of what is under way on it is lost.
    func breakSomeConnection() {
        guard !connections.isEmpty else { return }
        let connection = connections[world.random.below(connections.count)]
        counts.brokenConnections += 1
        world.log.note(
            world.now, connection.dealer.node.number, LogKind.fault, connection.number,
            "the connection \(connection.number) of \(connection.dealer.node.name) breaks")
        connection.breakDown()
    }

    /// Cuts places off for some seconds.
    func cut(_ cut: NetworkCut, seconds: Double, heal: @escaping () -> Void = {}) {
        cutCount += 1
        let number = cutCount
        cuts[number] = cut
        world.after(
            seconds: seconds,
            .perform {
                self.cuts[number] = nil
                let waiting = self.stalled
                self.stalled = []
                for lane in waiting { lane.goOn() }
                heal()
            })
    }

    func isCut(from: Place, to: Place) -> Bool {
        !cuts.isEmpty && cuts.values.contains { $0.holds(from: from, to: to) }
    }

    func stall(_ lane: Lane) { stalled.append(lane) }

    func randomDelay() -> Double {
        if conditions.spikeProbability > 0, world.random.happens(conditions.spikeProbability) {
            counts.delays += 1
            return world.random.pick(0...conditions.spike)
        }
        return world.random.pick(conditions.delay)
    }

    /// Whether the next message comes twice.
    func duplicates() -> Bool {
        guard conditions.duplication > 0, world.random.happens(conditions.duplication) else { return false }
        counts.duplicates += 1
        return true
    }

    func noteLost(_ messages: Int) { counts.lostMessages += messages }
}
