// CURVE: keys, encrypted messages, wrong keys, and the gate.

import Messaging
import Testing

@Suite("Encryption", .enabled(if: Curve.isAvailable, "the installed ZeroMQ library has no CURVE"))
struct CurveTests {
    @Test("keys are made in pairs, read back, and malformed ones are refused with the reason")
    func keys() throws {
        let pair = try CurveKeyPair.generate()
        #expect(try CurveKeyPair(secretKey: CurveSecretKey(pair.secretKey.text)) == pair)
        #expect(try CurvePublicKey(pair.publicKey.text) == pair.publicKey)
        #expect(try CurveKeyPair.generate() != pair)
        #expect(throws: MessagingError.malformedKey(reason: "expected 40 characters, found 3")) {
            _ = try CurvePublicKey("abc")
        }
        for bad in [" ", "\"", "\u{7F}", "~"] {
            let text = String(repeating: "a", count: 39) + bad
            #expect(throws: MessagingError.malformedKey(reason: "a character that is not of the Z85 alphabet")) {
                _ = try CurveSecretKey(text)
            }
        }
        #expect(throws: MessagingError.self) { _ = try CurvePublicKey(String(repeating: "#", count: 40)) }
    }

    @Test("secret keys do not show in descriptions, dumps or messages")
    func secrecy() throws {
        let pair = try CurveKeyPair.generate()
        var dumped = ""
        dump(pair, to: &dumped)
        let role = CurveRole.server(secretKey: pair.secretKey)
        let shown = [
            "\(pair.secretKey)", String(reflecting: pair.secretKey), "\(pair)", String(reflecting: role), dumped,
        ]
        #expect(shown.allSatisfy { !$0.contains(pair.secretKey.text) })
    }

    @Test("messages make the round trip between peers with the right keys")
    func roundTrip() throws {
        let server = try CurveKeyPair.generate()
        let client = try CurveKeyPair.generate()
        let pair = try ConnectedPair(
            in: Context(),
            router: .bounded.with { $0.curve = .server(secretKey: server.secretKey) },
            dealer: .bounded.with { $0.curve = .client(serverKey: server.publicKey, keys: client) })
        try pair.router.send(Frame(copying: [UInt8](repeating: 3, count: 1 << 20)), to: pair.peer)
        #expect(try pair.dealer.receive().bytes() == [UInt8](repeating: 3, count: 1 << 20))
    }

    @Test("a client with the wrong key of the server is refused, and so is one without encryption")
    func wrongServerKey() throws {
        let server = try CurveKeyPair.generate()
        let other = try CurveKeyPair.generate()
        let context = try Context()
        let router = try Socket(
            .router, in: context, options: .bounded.with { $0.curve = .server(secretKey: server.secretKey) })
        let monitor = try router.monitor()
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        do {
            let dealer = try Socket(
                .dealer, in: context,
                options: .bounded.with { $0.curve = .client(serverKey: other.publicKey, keys: other) })
            try dealer.connect(endpoint)
            try dealer.send(Frame(copying: "let me in"))
            _ = try events(of: monitor, until: .handshakeFailed(.wrongKey))
        }
        do {
            let dealer = try Socket(.dealer, in: context)
            try dealer.connect(endpoint)
            try dealer.send(Frame(copying: "let me in"))
            _ = try events(of: monitor, until: .handshakeFailed(.protocolMismatch))
        }
        #expect(try router.tryReceive() == nil)
    }

    @Test("the gate lets listed keys in, names them on their messages, and refuses all others")
    func gate() throws {
        let server = try CurveKeyPair.generate()
        let friend = try CurveKeyPair.generate()
        let stranger = try CurveKeyPair.generate()
        let context = try Context()
        var gate = try CurveGate(in: context, allowing: [friend.publicKey])
        #expect(throws: MessagingError.addressInUse("inproc://zeromq.zap.01")) {
            _ = try CurveGate(in: context, allowing: [])
        }
        let router = try Socket(
            .router, in: context, options: .bounded.with { $0.curve = .server(secretKey: server.secretKey) })
        let monitor = try router.monitor()
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        var poller = Poller()
        let question = poller.add(gate)

        func knock(_ keys: CurveKeyPair) throws -> (decision: CurveGate.Decision?, socket: Bool) {
            let dealer = try Socket(
                .dealer, in: context,
                options: .bounded.with { $0.curve = .client(serverKey: server.publicKey, keys: keys) })
            try dealer.connect(endpoint)
            try dealer.send(Frame(copying: "let me in"))
            #expect(try poller.wait(milliseconds: hangSeconds * 1000))
            #expect(poller.isReadable(question) == true)
            let decision = try gate.answer().first
            _ = try events(
                of: monitor, until: decision?.isAllowed == true ? .handshakeSucceeded : .handshakeFailed(.keyRefused))
            let arrived = try router.receiveMultipart(withinMilliseconds: decision?.isAllowed == true ? 5000 : 100)
            guard var message = arrived else { return (decision, false) }
            _ = message.popFirst()
            #expect(message.popFirst()?.peerKey == keys.publicKey)
            return (decision, true)
        }

        let refused = try knock(stranger)
        #expect(refused.decision?.key == stranger.publicKey)
        #expect(refused.decision?.address == "127.0.0.1")
        #expect(refused.decision?.isAllowed == false)
        #expect(!refused.socket)
        let allowed = try knock(friend)
        #expect(allowed.decision?.isAllowed == true)
        #expect(allowed.socket)
        gate.allowedKeys.insert(stranger.publicKey)
        #expect(try knock(stranger).socket)
    }

    @Test("the gate answers or drops malformed questions, and goes on")
    func malformedQuestions() throws {
        let context = try Context()
        let gate = try CurveGate(in: context, allowing: [])
        let dealer = try Socket(.dealer, in: context, options: .bounded)
        try dealer.connect("inproc://zeromq.zap.01")
        func ask(_ parts: [String]) throws -> Int {
            var question = FrameList()
            for part in parts { question.append(Frame(copying: part)) }
            try dealer.send(question)
            return try gate.answer().count
        }
        #expect(try ask([""]) == 0)
        #expect(try ask(["", "2.0", "1"]) == 0)
        #expect(try ask(["", "1.0", "1"]) == 1)
        #expect(try ask(["", "1.0", "1", "", "127.0.0.1", "", "PLAIN", "user", "password"]) == 1)
        #expect(try ask(["", "1.0", "1", "", "127.0.0.1", "", "CURVE", "short"]) == 1)
        #expect(try ask(["", "1.0", "1"] + [String](repeating: "x", count: 100)) == 1)
        // All of them were refused.
        for _ in 0..<4 {
            var reply = try dealer.receiveMultipart()
            #expect(reply.count == 7)
            for _ in 0..<3 { _ = reply.popFirst() }
            #expect(reply.popFirst()?.text() == "400")
        }
    }
}
