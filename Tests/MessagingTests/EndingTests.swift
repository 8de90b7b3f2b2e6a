// Ending: nothing hangs, whatever is open, blocked, unsent or unread.

import Foundation
import Messaging
import Testing

@Suite("Ending", .serialized)
struct EndingTests {
    @Test("a thousand sockets open, talk and close, and the context ends")
    func thousandSockets() throws {
        let context = try Context()
        do {
            let router = try Socket(.router, in: context, options: .bounded)
            let endpoint = try router.bind("tcp://127.0.0.1:*")
            var count = 0
            try openAndTalk(1000, context: context, router: router, endpoint: endpoint, count: &count)
            #expect(count == 1000)
        }
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
    }

    /// Non-copyable sockets have no array: each one lives in a call of its own, so that all are open at once.
    private func openAndTalk(
        _ left: Int, context: Context, router: borrowing Socket, endpoint: Endpoint, count: inout Int
    ) throws {
        guard left > 0 else { return }
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(endpoint)
        try dealer.send(Frame(copying: String(left)))
        // Every tenth stays unread.
        if left % 10 != 0 { _ = try router.receiveMultipart().count }
        try openAndTalk(left - 1, context: context, router: router, endpoint: endpoint, count: &count)
        count += 1
    }

    @Test("too many sockets are a typed error, and closing one makes room")
    func tooManySockets() throws {
        let context = try Context(socketCountMax: 2)
        let first = try Socket(.dealer, in: context)
        do {
            let second = try Socket(.dealer, in: context)
            #expect(throws: MessagingError.tooManySockets) { _ = try Socket(.dealer, in: context).kind }
            #expect(throws: MessagingError.tooManySockets) { _ = try second.monitor() }
        }
        try withRetries {
            do {
                return try Socket(.dealer, in: context).kind == .dealer
            } catch MessagingError.tooManySockets {
                return false
            }
        }
        #expect(first.kind == .dealer)
    }

    @Test("shutting down ends a receive, a send and a poll that other threads are blocked in")
    func blockedThreads() throws {
        let context = try Context()
        let started = Counter()
        let receiving = TestThread {
            let socket = try Socket(.dealer, in: context)
            started.increment()
            #expect(throws: MessagingError.terminated) { _ = try socket.receive().count }
            #expect(throws: MessagingError.terminated) { try socket.send(Frame()) }
            #expect(throws: MessagingError.terminated) { try socket.bind("tcp://127.0.0.1:*") }
            #expect(throws: MessagingError.terminated) { _ = try Socket(.dealer, in: context) }
        }
        let sending = TestThread {
            let socket = try Socket(.dealer, in: context)
            started.increment()
            #expect(throws: MessagingError.terminated) { try socket.send(Frame()) }
        }
        let polling = TestThread {
            let socket = try Socket(.dealer, in: context)
            let monitor = try socket.monitor()
            let wakeUp = try WakeUpReceiver(in: context)
            var poller = Poller()
            poller.add(socket)
            poller.add(monitor)
            poller.add(wakeUp)
            started.increment()
            #expect(throws: MessagingError.terminated) { _ = try poller.wait(milliseconds: .max) }
        }
        #expect(started.settles(at: 3))
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
        #expect(receiving.join() && sending.join() && polling.join())
        #expect(context.terminate(withinMilliseconds: 0))
        context.shutDown()
    }

    @Test("terminating gives up after its limit when a socket stays open, and the socket can still be closed")
    func forgottenSocket() throws {
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        let start = ContinuousClock.now
        #expect(!context.terminate(withinMilliseconds: 100))
        #expect(ContinuousClock.now - start < .seconds(hangSeconds))
        #expect(throws: MessagingError.terminated) { _ = try socket.tryReceive() == nil }
        socket.close()
    }

    @Test("messages for a peer that never comes do not delay the end")
    func unsentMessages() throws {
        let context = try Context()
        do {
            let dealer = try Socket(.dealer, in: context)
            try dealer.connect("tcp://127.0.0.1:9")
            for _ in 0..<10 { try dealer.send(Frame(alignedByteCount: 1 << 20)) }
        }
        let start = ContinuousClock.now
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test("a linger holds the end up for its time and no longer")
    func linger() throws {
        let context = try Context()
        do {
            let dealer = try Socket(.dealer, in: context)
            try dealer.connect("tcp://127.0.0.1:9")
            try dealer.send(Frame(copying: "never delivered"))
            dealer.close(lingerMilliseconds: 300)
        }
        let start = ContinuousClock.now
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
        let waited = ContinuousClock.now - start
        #expect(waited > .milliseconds(250) && waited < .seconds(5))
    }

    @Test("a linger lets the last messages reach a peer that is there")
    func lastWords() throws {
        let server = try Context()
        let router = try Socket(.router, in: server, options: .bounded)
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let client = try Context()
        do {
            let dealer = try Socket(.dealer, in: client, options: .bounded.with { $0.lingerMilliseconds = 5000 })
            try dealer.connect(endpoint)
            try dealer.send(Frame(copying: "farewell"))
        }
        #expect(client.terminate(withinMilliseconds: hangSeconds * 1000))
        var message = try router.receiveMultipart()
        _ = message.popFirst()
        #expect(message.popFirst()?.text() == "farewell")
    }

    @Test("the last reference to a context may go on the library's own thread")
    func lastReferenceOnLibraryThread() throws {
        let released = Counter()
        var context: Context? = try Context()
        weak let observed = context
        do {
            let dealer = try Socket(.dealer, in: try #require(context))
            try dealer.connect("tcp://127.0.0.1:9")
            // The release closure holds the context, and runs when the library drops the unsent message.
            let frame = Frame(lending: UnsafeMutableRawBufferPointer(start: nil, count: 0)) { [context] in
                withExtendedLifetime(context) { released.increment() }
            }
            context = nil
            try dealer.send(frame)
        }
        #expect(released.settles(at: 1))
        try withRetries { observed == nil }
    }
}
