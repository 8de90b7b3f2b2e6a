// Waiting: pollers, wake-ups, monitors.

import Foundation
import Testing

@testable import Messaging

@Suite("Waiting")
struct WaitingTests {
    @Test("ends at its time limit, not before")
    func timeout() throws {
        let context = try Context()
        let socket = try Socket(.dealer, in: context)
        var poller = Poller()
        let source = poller.add(socket)
        let start = ContinuousClock.now
        #expect(try !poller.wait(milliseconds: 80))
        let waited = ContinuousClock.now - start
        #expect(waited >= .milliseconds(79) && waited < .seconds(hangSeconds))
        #expect(poller.events(of: source) == [])
        #expect(try !poller.wait(milliseconds: 0))
        #expect(try !poller.wait(milliseconds: -5))
        var empty = Poller()
        #expect(try !empty.wait(milliseconds: 1))
    }

    @Test("for several sockets tells which are ready, and for what")
    func several() throws {
        let context = try Context()
        let pair = try ConnectedPair(in: context)
        let other = try Socket(.dealer, in: context)
        var poller = Poller()
        let quiet = poller.add(other, for: [.readable, .writable])
        let data = poller.add(pair.router)
        let sender = poller.add(pair.dealer, for: .writable)
        #expect(try poller.wait(milliseconds: 1000))
        #expect(poller.isWritable(sender) && !poller.isReadable(data))
        #expect(poller.events(of: quiet) == [])
        poller.change(sender, to: [])
        try pair.dealer.send(Frame())
        #expect(try poller.wait(milliseconds: hangSeconds * 1000))
        #expect(poller.isReadable(data) && !poller.isWritable(sender))
        poller.remove(data)
        #expect(try !poller.wait(milliseconds: 0))
        #expect(poller.events(of: data) == [])
    }

    @Test("is not ended by signals, neither in a receive nor in a poll")
    func interrupted() throws {
        // Without SA_RESTART, so that system calls are interrupted.
        var action = sigaction()
        #if canImport(Darwin)
        action.__sigaction_u.__sa_handler = { _ in }
        #else
        action.__sigaction_handler.sa_handler = { _ in }
        #endif
        sigaction(SIGUSR2, &action, nil)
        let context = try Context()
        let endpoint = Handover<Endpoint>()
        let thread = Handover<pthread_t>()
        let interrupted = TestThread {
            let socket = try Socket(.pair, in: context, options: .bounded)
            endpoint.give(try socket.bind("tcp://127.0.0.1:*"))
            thread.give(pthread_self())
            #expect(try socket.receive().text() == "first")
            var poller = Poller()
            poller.add(socket)
            #expect(try poller.wait(milliseconds: hangSeconds * 1000) == true)
            #expect(try socket.receive().text() == "second")
            let start = ContinuousClock.now
            #expect(try poller.wait(milliseconds: 200) == false)
            #expect(ContinuousClock.now - start >= .milliseconds(199))
            #expect(ContinuousClock.now - start < .seconds(hangSeconds))
        }
        let socket = try Socket(.pair, in: context, options: .bounded)
        try socket.connect(endpoint.take())
        let target = try thread.take()
        for text in ["first", "second", ""] {
            for _ in 0..<30 {
                usleep(2000)
                pthread_kill(target, SIGUSR2)
            }
            if !text.isEmpty { try socket.send(Frame(copying: text)) }
        }
        #expect(interrupted.join())
    }

    @Test("is over at once for sockets that were closed")
    func closedSocket() throws {
        let context = try Context()
        var poller = Poller()
        let socket = try Socket(.dealer, in: context)
        let source = poller.add(socket, for: [.readable, .writable])
        socket.close()
        #expect(try !poller.wait(milliseconds: 10))
        #expect(poller.events(of: source) == [])
    }

    @Test("is ended by a wake-up from another thread, and many of them count as one")
    func wakeUp() throws {
        let context = try Context()
        let receiver = try WakeUpReceiver(in: context)
        var poller = Poller()
        let source = poller.add(receiver)
        #expect(try !poller.wait(milliseconds: 0))
        for _ in 0..<50 {
            let wakeUp = receiver.wakeUp
            let threads = (0..<4).map { _ in
                TestThread { for _ in 0..<1000 { wakeUp.signal() } }
            }
            #expect(try poller.wait(milliseconds: hangSeconds * 1000))
            #expect(poller.isReadable(source) == true)
            #expect(threads.allSatisfy { $0.join() })
            #expect(try receiver.clear())
            #expect(try !receiver.clear())
        }
    }

    @Test("misses no wake-up, however signals and clears interleave")
    func wakeUpRace() throws {
        let receiver = try WakeUpReceiver(in: Context())
        let wakeUp = receiver.wakeUp
        let produced = Counter()
        let total = 20_000
        let thread = TestThread {
            for _ in 0..<total {
                produced.increment()
                wakeUp.signal()
            }
        }
        var poller = Poller()
        poller.add(receiver)
        var seen = 0
        while seen < total {
            guard try poller.wait(milliseconds: hangSeconds * 1000) else {
                Issue.record("a wake-up was lost at \(seen)")
                break
            }
            try receiver.clear()
            seen = produced.value
        }
        #expect(thread.join())
    }

    @Test("can be woken after the receiver or the context has gone, to no effect")
    func lateWakeUp() throws {
        let late: WakeUp
        do {
            let receiver = try WakeUpReceiver(in: Context())
            late = receiver.wakeUp
        }
        late.signal()
        let context = try Context()
        let receiver = try WakeUpReceiver(in: context)
        context.shutDown()
        receiver.wakeUp.signal()
    }
}

@Suite("A monitor")
struct MonitorTests {
    @Test("reports listening, accepting, the handshake and the parting of a peer")
    func serverSide() throws {
        let context = try Context()
        let router = try Socket(.router, in: context, options: .bounded)
        let monitor = try router.monitor()
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let dealer = try Socket(.dealer, in: context)
        try dealer.connect(endpoint)
        let first = try #require(try monitor.next(withinMilliseconds: hangSeconds * 1000))
        #expect(first.kind == .listening)
        #expect(first.endpoint == endpoint)
        let accepted = try #require(try monitor.next(withinMilliseconds: hangSeconds * 1000))
        #expect(accepted.kind == .accepted)
        #expect(accepted.connection != nil)
        #expect(try events(of: monitor, until: .handshakeSucceeded) == [.handshakeSucceeded])

        // What comes over the connection carries its identity.
        try dealer.send(Frame())
        #expect(try router.receive().connection == accepted.connection)
        let body = try router.receive()
        #expect(body.connection == accepted.connection)
        #expect(body.peerAddress == "127.0.0.1")
        #expect(body.peerKey == nil)
        #expect(Frame().connection == nil)

        dealer.close()
        let last = try #require(try monitor.next(withinMilliseconds: hangSeconds * 1000))
        #expect(last.kind == .disconnected)
        #expect(last.connection == accepted.connection)
        #expect(try monitor.next() == nil)
    }

    @Test("reports connecting, losing the server, and finding it again")
    func clientSide() throws {
        let context = try Context()
        let dealer = try Socket(.dealer, in: context, options: .bounded.with { $0.reconnectIntervalMilliseconds = 10 })
        let monitor = try dealer.monitor()
        let first = try Socket(.router, in: context)
        let endpoint = try first.bind("tcp://127.0.0.1:*")
        try dealer.connect(endpoint)
        #expect(try events(of: monitor, until: .handshakeSucceeded).contains(.connected))
        first.close()
        #expect(try events(of: monitor, until: .disconnected) == [.disconnected])
        let second = try Socket(.router, in: context)
        try bind(second, toFreed: endpoint)
        #expect(try events(of: monitor, until: .handshakeSucceeded).contains(.connected))
    }

    @Test("is told that the socket was closed, in whichever order they go")
    func closingOrder() throws {
        let context = try Context()
        do {
            let router = try Socket(.router, in: context)
            let monitor = try router.monitor()
            try router.bind("tcp://127.0.0.1:*")
            #expect(throws: MessagingError.unsupported(.monitoring)) { _ = try router.monitor() }
            router.close()
            #expect(try events(of: monitor, until: .stopped).last == .stopped)
            #expect(try monitor.next() == nil)
        }
        do {
            let pair = try ConnectedPair(in: context)
            for _ in 0..<20 { try startAndDropMonitor(of: pair.router) }
            try pair.dealer.send(Frame(copying: "unharmed"))
            #expect(try pair.router.receiveMultipart().count == 2)
        }
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
    }

    private func startAndDropMonitor(of socket: borrowing Socket) throws {
        let monitor = try socket.monitor()
        #expect(try monitor.next() == nil)
    }

    @Test("makes a value of whatever bytes an event has")
    func anyBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of any bytes of an event: \(seed)")
        var state = seed
        for _ in 0..<20_000 {
            // Knuth's linear congruential generator is enough for this.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let count = Int(state >> 60)
            let header = (0..<count).map { UInt8(truncatingIfNeeded: state >> (UInt64($0) * 7)) }
            let event = MonitorEvent(header: header, endpoint: "x")
            #expect(event.endpoint == "x")
            if header.count < 2 { #expect(event.kind == .unknown) }
        }
    }

    @Test("that nobody reads blocks neither the socket nor the end")
    func unread() throws {
        let context = try Context()
        do {
            let pair = try ConnectedPair(in: context)
            let nobody = try freeEndpoint()
            let dealer = try Socket(
                .dealer, in: context,
                options: .bounded.with {
                    $0.reconnectIntervalMilliseconds = 1
                    $0.reconnectIntervalMillisecondsMax = 1
                })
            let monitor = try dealer.monitor()
            try dealer.connect(nobody)
            // The queue of a pair with the library's own limits ends at 2,000 events; three come each millisecond.
            usleep(1_500_000)
            try pair.dealer.send(Frame(copying: "unharmed"))
            #expect(try pair.router.receiveMultipart().count == 2)
            var count = 0
            while try monitor.next() != nil { count += 1 }
            #expect(count > 2000)
        }
        #expect(context.terminate(withinMilliseconds: hangSeconds * 1000))
    }
}
