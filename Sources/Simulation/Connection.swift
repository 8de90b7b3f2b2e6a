// A simulated connection: two lanes on which order is kept.

import Messaging

/// What is under way on a lane.
enum Parcel {
    /// The other end has accepted.
    case opened
    case message(Message)
    /// The other end has closed, or the connection broke.
    case closed
}

/// One direction of a connection.
final class Lane {
    /// Goes when both ends are closed; nothing can arrive then.
    private weak var connection: Connection?
    private let world: World
    private let isToRouter: Bool
    private var parcels: [(parcel: Parcel, due: UInt64)] = []
    private var isStalled = false
    /// Nothing more can be put on it.
    private var isClosed = false

    init(_ connection: Connection, isToRouter: Bool) {
        self.connection = connection
        self.isToRouter = isToRouter
        world = connection.network.world
    }

    /// Sends a parcel on its way behind those before it, which takes so many seconds longer than it should.
    func put(_ parcel: Parcel, after seconds: Double = 0) {
        guard let connection else { return }
        guard !isClosed else {
            if case .message = parcel { connection.network.noteLost(1) }
            return
        }
        if case .closed = parcel { isClosed = true }
        let delay = seconds + connection.network.randomDelay()
        let due = max(parcels.last?.due ?? 0, world.now + UInt64(delay * 1e9))
        parcels.append((parcel, due))
        if parcels.count == 1, !isStalled { world.at(due, .arrive(self)) }
    }

    /// The first parcel is due.
    func arrive() {
        guard !isStalled, let connection, let first = parcels.first else { return }
        guard first.due <= world.now else { return world.at(first.due, .arrive(self)) }
        let (dealer, router) = (connection.dealer.node.place, connection.router.node.place)
        if connection.network.isCut(from: isToRouter ? dealer : router, to: isToRouter ? router : dealer) {
            isStalled = true
            return connection.network.stall(self)
        }
        parcels.removeFirst()
        if let next = parcels.first { world.at(next.due, .arrive(self)) }
        connection.deliver(first.parcel, toRouter: isToRouter)
    }

    /// A cut has healed.
    func goOn() {
        isStalled = false
        if let connection, !parcels.isEmpty {
            world.after(seconds: connection.network.randomDelay() * 10, .arrive(self))
        }
    }

    /// Drops some of the last messages. That the other end has accepted or closed is never lost.
    func loseSome() {
        guard let connection, !parcels.isEmpty else { return }
        let kept = world.random.pick(0...parcels.count)
        let rest = parcels[kept...].filter { if case .message = $0.parcel { false } else { true } }
        connection.network.noteLost(parcels.count - kept - rest.count)
        parcels = parcels[..<kept] + rest
        if let first = parcels.first, !isStalled { world.at(first.due, .arrive(self)) }
    }
}

/// A connection of a dealer to a router.
final class Connection {
    let number: Int
    let dealer: NodeSocket
    let router: NodeSocket
    unowned let network: Network
    /// The name under which the router knows the dealer.
    let identity: [UInt8]
    /// The router knows another connection of that name: it hears nothing of this one.
    var isIgnored = false
    private(set) var toRouter: Lane!
    private(set) var toDealer: Lane!
    private var isOpenAtDealer = true
    private var isOpenAtRouter = true

    init(number: Int, dealer: NodeSocket, router: NodeSocket, network: Network) {
        self.number = number
        self.dealer = dealer
        self.router = router
        self.network = network
        identity = dealer.options.routingIdentifier?.bytes ?? [0] + Array("\(number)".utf8)
        toRouter = Lane(self, isToRouter: true)
        toDealer = Lane(self, isToRouter: false)
    }

    func deliver(_ parcel: Parcel, toRouter: Bool) {
        let receiver = toRouter ? router : dealer
        guard toRouter ? isOpenAtRouter : isOpenAtDealer else {
            if case .message = parcel { network.noteLost(1) }
            return
        }
        switch parcel {
        case .opened: receiver.noteOpened(self)
        case .message(let message): receiver.take(message, over: self)
        case .closed:
            if toRouter { isOpenAtRouter = false } else { isOpenAtDealer = false }
            receiver.noteClosed(self)
            // What this end still sends cannot arrive any more.
            (toRouter ? toDealer : self.toRouter)?.put(.closed)
            forgetIfOver()
        }
    }

    /// One end closes: what it has sent is still under way.
    func close(by socket: NodeSocket, after silence: Double = 0) {
        if socket === dealer, isOpenAtDealer {
            isOpenAtDealer = false
            toRouter.put(.closed, after: silence)
        }
        if socket === router, isOpenAtRouter {
            isOpenAtRouter = false
            toDealer.put(.closed, after: silence)
        }
        forgetIfOver()
    }

    /// Both ends will notice, sooner or later.
    func breakDown() {
        toRouter.loseSome()
        toDealer.loseSome()
        toRouter.put(.closed)
        toDealer.put(.closed)
    }

    private func forgetIfOver() { if !isOpenAtDealer, !isOpenAtRouter { network.forget(self) } }
}
