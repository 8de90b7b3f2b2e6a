// Poller: waits for several sockets at once, with a deadline.

import CZeroMQ

/// What a socket is ready for.
public struct PollEvents: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int

    /// Takes the bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// A message can be received without waiting.
    public static let readable = PollEvents(rawValue: 1)

    /// A message can be sent without waiting. Of a router this says nothing about a single peer.
    public static let writable = PollEvents(rawValue: 2)

    var code: CShort {
        CShort((contains(.readable) ? ZMQ_POLLIN : 0) | (contains(.writable) ? ZMQ_POLLOUT : 0))
    }
}

/// Waits for several sockets at once.
///
///     var poller = Poller()
///     let data = poller.add(router)
///     let wakeUp = poller.add(receiver)
///     while try poller.wait(milliseconds: 250) {
///         if poller.isReadable(wakeUp) { receiver.clear() }
///         if poller.isReadable(data) { … }
///     }
///
/// A poller may outlive its sockets: a closed one is never ready. It belongs to the thread of its sockets.
public struct Poller: ~Copyable {
    /// Names a socket in a poller.
    public struct Source: Sendable, Hashable {
        fileprivate let number: Int
    }

    private struct Entry {
        let source: Source
        let socket: SocketHandle
        var interest: PollEvents
    }

    private var entries: [Entry] = []
    /// One for each entry, in the same order.
    private var items: [zmq_pollitem_t] = []
    private var nextNumber = 0

    /// A poller without sockets.
    public init() {}

    /// Adds a socket.
    @discardableResult
    public mutating func add(_ socket: borrowing Socket, for interest: PollEvents = .readable) -> Source {
        add(socket.handle, for: interest)
    }

    /// Adds a monitor; it is readable when there is an event.
    @discardableResult
    public mutating func add(_ monitor: borrowing SocketMonitor) -> Source {
        add(monitor.socket.handle, for: .readable)
    }

    /// Adds the receiving end of a wake-up; it is readable when it was woken.
    @discardableResult
    public mutating func add(_ receiver: borrowing WakeUpReceiver) -> Source {
        add(receiver.socket.handle, for: .readable)
    }

    /// Adds a gate; it is readable when a peer asks to come in.
    @discardableResult
    public mutating func add(_ gate: borrowing CurveGate) -> Source {
        add(gate.socket.handle, for: .readable)
    }

    /// Changes what a socket is waited for; an empty set rests it.
    public mutating func change(_ source: Source, to interest: PollEvents) {
        if let index = index(of: source) { entries[index].interest = interest }
    }

    /// Takes a socket out.
    public mutating func remove(_ source: Source) {
        guard let index = index(of: source) else { return }
        entries.remove(at: index)
        items.remove(at: index)
    }

    /// Waits until at least one socket is ready.
    ///
    /// - Parameter milliseconds: The longest wait; 0 only looks.
    /// - Returns: `false` when the time passed and none was.
    /// - Throws: `.terminated` when the context was shut down.
    public mutating func wait(milliseconds: Int) throws(MessagingError) -> Bool {
        if let simulated = entries.first?.socket.simulated {
            return try wait(milliseconds: milliseconds, with: simulated)
        }
        for index in entries.indices {
            let socket = entries[index].socket.open
            // Without a socket the library polls the descriptor, and a negative one is never ready.
            items[index] = zmq_pollitem_t(
                socket: socket, fd: -1, events: socket == nil ? 0 : entries[index].interest.code, revents: 0)
        }
        let deadline = Deadline(milliseconds: milliseconds)
        var left = min(max(0, milliseconds), Deadline.millisecondsMax)
        while true {
            let ready = zmq_poll(&items, CInt(items.count), left)
            if ready >= 0 { return ready > 0 }
            let error = LibraryError.last
            guard error.isInterrupted else { throw error.typed(.polling) }
            left = deadline.remainingMilliseconds
        }
    }

    /// The same in a simulation, where all sockets are simulated. Whoever sends never waits there.
    private mutating func wait(
        milliseconds: Int, with simulated: any SimulatedSocket
    ) throws(MessagingError) -> Bool {
        let read = entries.filter { $0.interest.contains(.readable) }.compactMap(\.socket.simulated)
        let isReady = try simulated.wait(for: read, milliseconds: milliseconds)
        for (index, entry) in entries.enumerated() {
            let isReadable = entry.interest.contains(.readable) && entry.socket.simulated?.isReadable == true
            items[index] = zmq_pollitem_t(
                socket: nil, fd: -1, events: 0,
                revents: CShort(isReadable ? ZMQ_POLLIN : 0) | (entry.interest.code & CShort(ZMQ_POLLOUT)))
        }
        return isReady
    }

    /// What a socket was ready for at the end of the last wait.
    public func events(of source: Source) -> PollEvents {
        guard let index = index(of: source) else { return [] }
        let code = CInt(items[index].revents)
        var events: PollEvents = []
        if code & ZMQ_POLLIN != 0 { events.insert(.readable) }
        if code & ZMQ_POLLOUT != 0 { events.insert(.writable) }
        return events
    }

    /// Whether a message could be received at the end of the last wait.
    public func isReadable(_ source: Source) -> Bool {
        events(of: source).contains(.readable)
    }

    /// Whether a message could be sent at the end of the last wait.
    public func isWritable(_ source: Source) -> Bool {
        events(of: source).contains(.writable)
    }

    private mutating func add(_ socket: SocketHandle, for interest: PollEvents) -> Source {
        let source = Source(number: nextNumber)
        nextNumber += 1
        entries.append(Entry(source: source, socket: socket, interest: interest))
        items.append(zmq_pollitem_t())
        return source
    }

    private func index(of source: Source) -> Int? {
        entries.firstIndex { $0.source == source }
    }
}
