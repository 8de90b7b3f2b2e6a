// Endpoints: what they say of themselves, and what binding and connecting makes of good and bad ones.

import Messaging
import Testing

@Suite("An endpoint")
struct EndpointTests {
    @Test("is told apart into its parts")
    func parts() {
        let endpoint: Endpoint = "tcp://192.0.2.1:5555"
        #expect(endpoint.transport == "tcp" && endpoint.host == "192.0.2.1" && endpoint.port == 5555)
        #expect(Endpoint("tcp://[::1]:80").host == "::1")
        #expect(Endpoint("tcp://*:*").port == nil)
        #expect(Endpoint("tcp://h:65536").port == nil)
        #expect(Endpoint("inproc://a:b").host == "a:b")
        for text in ["", ":", "://", "tcp", "tcp:", "tcp://", "tcp://:", "x"] {
            #expect(Endpoint(text).port == nil)
            #expect(!Endpoint(text).isLoopback)
        }
    }

    @Test("of loopback is recognized, and nothing else passes for it")
    func loopback() {
        for text in ["tcp://127.0.0.1:1", "tcp://127.1.2.3:*", "tcp://localhost:1", "tcp://[::1]:1", "inproc://x"] {
            #expect(Endpoint(text).isLoopback, "\(text)")
        }
        for text in [
            "tcp://0.0.0.0:1", "tcp://*:1", "tcp://10.0.0.1:1", "tcp://127.0.0.1.example.org:1", "tcp://127.0.1:1",
            "udp://127.0.0.1:1",
        ] {
            #expect(!Endpoint(text).isLoopback, "\(text)")
        }
    }

    @Test("with a free port is reported with the port that was chosen", arguments: ["127.0.0.1", "localhost", "*"])
    func freePort(host: String) throws {
        let socket = try Socket(.router, in: Context())
        let endpoint = try socket.bind(Endpoint("tcp://\(host):*"))
        #expect(try #require(endpoint.port) > 1023)
        #expect(endpoint.isLoopback == (host != "*"))
        try socket.unbind(endpoint)
        #expect(throws: MessagingError.notAttached(endpoint)) { try socket.unbind(endpoint) }
    }

    @Test("in use is a typed error that names it")
    func addressInUse() throws {
        let context = try Context()
        let first = try Socket(.router, in: context)
        let endpoint = try first.bind("tcp://127.0.0.1:*")
        let second = try Socket(.router, in: context)
        #expect(throws: MessagingError.addressInUse(endpoint)) { try second.bind(endpoint) }
        #expect("\(MessagingError.addressInUse(endpoint))".contains(endpoint.text))
    }

    @Test("of another machine is a typed error")
    func addressUnavailable() throws {
        let socket = try Socket(.router, in: Context())
        #expect(throws: MessagingError.addressUnavailable("tcp://192.0.2.1:5555")) {
            try socket.bind("tcp://192.0.2.1:5555")
        }
    }

    @Test("that makes no sense is a typed error")
    func invalid() throws {
        let socket = try Socket(.dealer, in: Context())
        for text in [
            "", "nonsense", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "http://127.0.0.1:80",
            "tcp://127.0.0.1:1\0",
        ] {
            #expect(throws: MessagingError.invalidEndpoint(Endpoint(text))) { try socket.bind(Endpoint(text)) }
            #expect(throws: MessagingError.invalidEndpoint(Endpoint(text))) { try socket.connect(Endpoint(text)) }
        }
    }

    @Test("can be connected to before anybody listens there")
    func connectFirst() throws {
        let endpoint = try freeEndpoint()
        let context = try Context()
        let dealer = try Socket(
            .dealer, in: context, options: .bounded.with { $0.reconnectIntervalMilliseconds = 10 })
        try dealer.connect(endpoint)
        try dealer.send(Frame(copying: "early"))
        let router = try Socket(.router, in: context, options: .bounded)
        try router.bind(endpoint)
        #expect(try router.receiveMultipart().count == 2)
    }

    @Test("bad options are named in the error")
    func options() throws {
        let context = try Context()
        #expect(throws: MessagingError.invalidOption("frameBytesMax")) {
            _ = try Socket(.dealer, in: context, options: SocketOptions().with { $0.frameBytesMax = -1 })
        }
        #expect(throws: MessagingError.invalidOption("sendHighWaterMark")) {
            _ = try Socket(.dealer, in: context, options: SocketOptions().with { $0.sendHighWaterMark = -1 })
        }
        #expect(throws: MessagingError.invalidOption("sendHighWaterMark")) {
            _ = try Socket(.dealer, in: context, options: SocketOptions().with { $0.sendHighWaterMark = 1 << 40 })
        }
        #expect(throws: MessagingError.invalidOption("ioThreads")) { _ = try Context(ioThreads: 0) }
        #expect(throws: MessagingError.invalidRoutingIdentifier) { _ = try RoutingIdentifier("") }
        #expect(throws: MessagingError.invalidRoutingIdentifier) { _ = try RoutingIdentifier("\0a") }
        #expect(throws: MessagingError.invalidRoutingIdentifier) {
            _ = try RoutingIdentifier(String(repeating: "a", count: 256))
        }
    }
}
