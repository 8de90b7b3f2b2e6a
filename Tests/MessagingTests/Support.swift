// What the tests of Messaging share: threads with a time limit, counters, and connected pairs of sockets.

import Foundation
import Messaging
import Synchronization
import Testing

/// How long anything may take before a test calls it a hang.
let hangSeconds = 20

/// A thread that a test starts and waits for, with a limit.
final class TestThread: Sendable {
    private let finished = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Void) {
        let thread = Thread { [finished] in
            do { try body() } catch { Issue.record(error) }
            finished.signal()
        }
        thread.start()
    }

    /// Whether the thread ended within the limit.
    func join() -> Bool {
        finished.wait(timeout: .now() + .seconds(hangSeconds)) == .success
    }
}

/// Counts from any thread.
final class Counter: Sendable {
    private let number = Atomic<Int>(0)

    func increment() { number.add(1, ordering: .sequentiallyConsistent) }

    var value: Int { number.load(ordering: .sequentiallyConsistent) }

    /// Waits until the count is reached, then a little longer to see whether it rises above.
    func settles(at expected: Int) -> Bool {
        for _ in 0..<hangSeconds * 1000 where value < expected { usleep(1000) }
        usleep(20_000)
        return value == expected
    }
}

/// Hands a value from one thread to another.
final class Handover<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let isHere = DispatchSemaphore(value: 0)

    func give(_ new: Value) {
        value.withLock { $0 = new }
        isHere.signal()
    }

    func take() throws -> Value {
        _ = isHere.wait(timeout: .now() + .seconds(hangSeconds))
        return try #require(value.withLock { $0 })
    }
}

extension SocketOptions {
    /// Options whose waits end, so that a failing test does not hang.
    static var bounded: SocketOptions {
        var options = SocketOptions()
        options.sendTimeoutMilliseconds = hangSeconds * 1000
        options.receiveTimeoutMilliseconds = hangSeconds * 1000
        return options
    }

    /// A copy with changes.
    func with(_ change: (inout SocketOptions) -> Void) -> SocketOptions {
        var copy = self
        change(&copy)
        return copy
    }
}

/// A router and a dealer that are connected over TCP and know each other.
struct ConnectedPair: ~Copyable {
    let router: Socket
    let dealer: Socket
    /// The dealer's name at the router.
    let peer: RoutingIdentifier
    let endpoint: Endpoint

    init(
        in context: Context, router routerOptions: SocketOptions = .bounded,
        dealer dealerOptions: SocketOptions = .bounded
    ) throws {
        let router = try Socket(.router, in: context, options: routerOptions)
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let dealer = try Socket(.dealer, in: context, options: dealerOptions)
        try dealer.connect(endpoint)
        try dealer.send(Frame(copying: "hello"))
        let peer = RoutingIdentifier(try router.receive())
        _ = try router.receive()
        self.peer = peer
        self.router = router
        self.dealer = dealer
        self.endpoint = endpoint
    }
}

/// Tries until it succeeds, and fails the test when it never does.
func withRetries(_ body: () throws -> Bool) throws {
    for _ in 0..<hangSeconds * 100 {
        if try body() { return }
        usleep(10_000)
    }
    Issue.record("never succeeded")
}

/// An endpoint where nobody listens (any more).
func freeEndpoint() throws -> Endpoint {
    let context = try Context()
    let endpoint: Endpoint
    do {
        let probe = try Socket(.router, in: context)
        endpoint = try probe.bind("tcp://127.0.0.1:*")
    }
    // Listeners close in the background; this waits for it.
    #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
    return endpoint
}

/// Binds to an endpoint that was just given free: the library closes listeners in the background.
func bind(_ socket: borrowing Socket, toFreed endpoint: Endpoint) throws {
    try withRetries {
        do {
            try socket.bind(endpoint)
            return true
        } catch MessagingError.addressInUse {
            return false
        }
    }
}

/// The kinds of the events that a monitor reports until `last`, in order.
func events(of monitor: borrowing SocketMonitor, until last: MonitorEvent.Kind) throws -> [MonitorEvent.Kind] {
    var kinds: [MonitorEvent.Kind] = []
    while let event = try monitor.next(withinMilliseconds: hangSeconds * 1000) {
        kinds.append(event.kind)
        if event.kind == last { return kinds }
    }
    Issue.record("no event \(last) among \(kinds)")
    return kinds
}
