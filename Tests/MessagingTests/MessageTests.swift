// Messages between real sockets: order, parts, waiting and not waiting, zero-copy, sharing, routers, limits.

import Foundation
import Messaging
import Testing

@Suite("Messages")
struct MessageTests {
    @Test("arrive in the order in which they were sent")
    func order() throws {
        let pair = try ConnectedPair(in: Context())
        let count = 5000
        let endpoint = pair.endpoint
        #expect(endpoint.port != nil)
        for number in 0..<count {
            try pair.dealer.send(Frame(copying: String(number)))
            if number % 100 == 99 {
                for expected in number - 99...number {
                    let peer = try pair.router.receive()
                    #expect(peer.hasMore == true)
                    #expect(RoutingIdentifier(peer) == pair.peer)
                    let frame = try pair.router.receive()
                    #expect(frame.hasMore == false)
                    #expect(frame.text() == String(expected))
                }
            }
        }
    }

    @Test("of several parts arrive whole, part by part or as a list")
    func multipart() throws {
        let pair = try ConnectedPair(in: Context())
        func message() -> FrameList {
            var message = FrameList()
            message.append(Frame(copying: "header"))
            message.append(Frame(alignedByteCount: 1 << 20))
            message.append(Frame())
            return message
        }
        try pair.dealer.send(message())
        var received = try pair.router.receiveMultipart()
        #expect(received.count == 4)
        #expect(received.popFirst()?.bytes() == pair.peer.bytes)
        #expect(received.popFirst()?.text() == "header")
        #expect(received.popFirst()?.count == 1 << 20)
        #expect(received.popFirst()?.count == 0)

        try pair.router.send(message(), to: pair.peer)
        let sizes = [6, 1 << 20, 0]
        for (index, size) in sizes.enumerated() {
            let frame = try pair.dealer.receive()
            #expect(frame.count == size)
            #expect(frame.hasMore == (index < 2))
        }
    }

    @Test("are not waited for by the calls that try")
    func tries() throws {
        let context = try Context()
        let dealer = try Socket(.dealer, in: context)
        #expect(try dealer.tryReceive() == nil)
        #expect(try dealer.tryReceiveMultipart() == nil)
        // Without a peer nothing can be sent, and what was to be sent is still there.
        var frame = Frame(copying: "keep me")
        #expect(try !dealer.trySend(&frame))
        #expect(frame.text() == "keep me")
        var list = FrameList(frame)
        list.append(Frame(copying: "and me"))
        #expect(try !dealer.trySend(&list))
        #expect(list.count == 2)

        let other = try Socket(.dealer, in: context, options: .bounded)
        try other.bind("inproc://tries")
        try dealer.connect("inproc://tries")
        #expect(try dealer.trySend(&list))
        #expect(list.isEmpty == true)
        var received = try other.receiveMultipart()
        #expect(received.popFirst()?.text() == "keep me")
        #expect(received.popFirst()?.text() == "and me")
    }

    @Test("that do not come or go in time give a typed error, or nothing")
    func timeouts() throws {
        let options = SocketOptions().with {
            $0.sendTimeoutMilliseconds = 30
            $0.receiveTimeoutMilliseconds = 30
        }
        let dealer = try Socket(.dealer, in: Context(), options: options)
        #expect(throws: MessagingError.timedOut(.receiving)) { _ = try dealer.receive().count }
        #expect(throws: MessagingError.timedOut(.sending)) { try dealer.send(Frame()) }
        let start = ContinuousClock.now
        #expect(try dealer.receive(withinMilliseconds: 50) == nil)
        #expect(ContinuousClock.now - start >= .milliseconds(50))
    }

    @Test("of lent memory free it exactly once, after the peer has it")
    func zeroCopy() throws {
        let pair = try ConnectedPair(in: Context())
        let released = Counter()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 42)
        nonisolated(unsafe) let lent = memory
        try pair.dealer.send(
            Frame(lending: memory) {
                lent.deallocate()
                released.increment()
            })
        var received = try pair.router.receiveMultipart()
        _ = received.popFirst()
        let frame = received.popFirst()!
        #expect(frame.count == 1 << 20)
        #expect(frame.withUnsafeBytes { $0.allSatisfy { $0 == 42 } })
        #expect(released.settles(at: 1))
    }

    @Test("share the same bytes among many peers, freed once after the last")
    func sharing() throws {
        let context = try Context()
        let router = try Socket(.router, in: context, options: .bounded)
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let released = Counter()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 300_000, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 9)
        nonisolated(unsafe) let lent = memory
        var frame = Frame(lending: memory) {
            lent.deallocate()
            released.increment()
        }
        let peers = 5
        let threads = (0..<peers).map { number in
            TestThread {
                let name = try RoutingIdentifier("peer-\(number)")
                let dealer = try Socket(
                    .dealer, in: context, options: .bounded.with { $0.routingIdentifier = name })
                try dealer.connect(endpoint)
                try dealer.send(Frame(copying: "ready"))
                let received = try dealer.receive()
                #expect(received.withUnsafeBytes { $0.count == 300_000 && $0.allSatisfy { $0 == 9 } })
            }
        }
        for _ in 0..<peers {
            let peer = RoutingIdentifier(try router.receive())
            #expect(peer.description.hasPrefix("peer-"))
            _ = try router.receive()
            try router.send(frame.share(), to: peer)
        }
        #expect(threads.allSatisfy { $0.join() })
        #expect(released.value == 0)
        _ = consume frame
        #expect(released.settles(at: 1))
    }

    @Test("to a peer that the router does not know are refused as unreachable")
    func unknownPeer() throws {
        let pair = try ConnectedPair(in: Context())
        let stranger = try RoutingIdentifier("stranger")
        #expect(throws: MessagingError.hostUnreachable) { try pair.router.send(Frame(), to: stranger) }
        #expect(throws: MessagingError.hostUnreachable) {
            var message = FrameList(Frame())
            _ = try pair.router.trySend(&message, to: stranger)
        }
        // And the router still serves those it knows.
        try pair.router.send(Frame(copying: "still here"), to: pair.peer)
        #expect(try pair.dealer.receive().text() == "still here")
    }

    @Test("to a peer whose queue is full are not sent by the call that tries, and are kept")
    func fullQueue() throws {
        let few = SocketOptions.bounded.with {
            $0.sendHighWaterMark = 2
            $0.receiveHighWaterMark = 2
        }
        let pair = try ConnectedPair(in: Context(), router: few, dealer: few)
        var sent = 0
        while sent < 1000 {
            var message = FrameList(Frame(alignedByteCount: 1 << 20))
            message.append(Frame(alignedByteCount: 1 << 20))
            guard try pair.router.trySend(&message, to: pair.peer) else {
                #expect(message.count == 2)
                break
            }
            sent += 1
        }
        #expect(sent > 0 && sent < 1000)
        for _ in 0..<sent { #expect(try pair.dealer.receiveMultipart().count == 2) }
        var message = FrameList(Frame())
        try withRetries { try pair.router.trySend(&message, to: pair.peer) }
    }

    @Test("go to the newest connection of a name when the router hands names over")
    func handover() throws {
        let context = try Context()
        let router = try Socket(
            .router, in: context, options: .bounded.with { $0.handsOverRoutingIdentifiers = true })
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let name = try RoutingIdentifier("worker-1")
        let named = SocketOptions.bounded.with { $0.routingIdentifier = name }
        let old = try Socket(.dealer, in: context, options: named)
        try old.connect(endpoint)
        try old.send(Frame(copying: "old"))
        #expect(try router.receiveMultipart().count == 2)
        let new = try Socket(.dealer, in: context, options: named)
        try new.connect(endpoint)
        try new.send(Frame(copying: "new"))
        #expect(try router.receiveMultipart().count == 2)
        try router.send(Frame(copying: "for the new one"), to: name)
        #expect(try new.receive().text() == "for the new one")
        #expect(try old.tryReceiveMultipart()?.count == nil)
    }

    @Test("reach subscribers whose prefix fits")
    func publishing() throws {
        let context = try Context()
        let publisher = try Socket(.publisher, in: context)
        try publisher.bind("inproc://events")
        let subscriber = try Socket(.subscriber, in: context, options: .bounded)
        try subscriber.subscribe(to: "step")
        try subscriber.connect("inproc://events")
        try withRetries {
            try publisher.send(Frame(copying: "other"))
            try publisher.send(Frame(copying: "step 7"))
            return try subscriber.isReadable(withinMilliseconds: 10)
        }
        #expect(try subscriber.receive().text() == "step 7")
        try subscriber.unsubscribe(from: "step")
        #expect(throws: MessagingError.unsupported(.receiving)) { _ = try publisher.receive().count }
    }

    @Test("of more frames than allowed are dropped, and the next one is received")
    func tooManyFrames() throws {
        let pair = try ConnectedPair(in: Context(), router: .bounded.with { $0.frameCountMax = 4 })
        for count in [50, 3] {
            var message = FrameList()
            for number in 0..<count { message.append(Frame(copying: String(number))) }
            try pair.dealer.send(message)
        }
        #expect(throws: MessagingError.tooManyFrames(limit: 4)) { _ = try pair.router.receiveMultipart().count }
        #expect(try pair.router.receiveMultipart().count == 4)
    }

    @Test("with a frame above the limit cut the connection, and never arrive")
    func oversize() throws {
        let pair = try ConnectedPair(in: Context(), router: .bounded.with { $0.frameBytesMax = 1000 })
        let monitor = try pair.router.monitor()
        try pair.dealer.send(Frame(byteCount: 1000))
        #expect(try pair.router.receiveMultipart().count == 2)
        try pair.dealer.send(Frame(byteCount: 1001))
        #expect(try events(of: monitor, until: .disconnected) == [.disconnected])
        // The peer connects again by itself, and can send what is within the limit.
        _ = try events(of: monitor, until: .handshakeSucceeded)
        try pair.dealer.send(Frame(copying: "small"))
        var message = try pair.router.receiveMultipart()
        _ = message.popFirst()
        #expect(message.popFirst()?.text() == "small")
    }
}
