// Prints how fast 1 MiB frames move over loopback; asserts nothing about time.

import Foundation
import Messaging
import Testing

@Suite("Throughput", .serialized)
struct ThroughputTests {
    @Test("of 1 MiB chunks over loopback is printed", arguments: [false, true])
    func chunks(encrypted: Bool) throws {
        guard !encrypted || Curve.isAvailable else { return }
        let chunkBytes = 1 << 20
        let chunkCount = encrypted ? 300 : 4000
        let chunksInMessage = 20
        let context = try Context()
        let keys = encrypted ? try CurveKeyPair.generate() : nil
        let router = try Socket(
            .router, in: context,
            options: .bounded.with { options in options.curve = keys.map { .server(secretKey: $0.secretKey) } })
        let endpoint = try router.bind("tcp://127.0.0.1:*")
        let sender = TestThread {
            let senderContext = try Context()
            let dealer = try Socket(
                .dealer, in: senderContext,
                options: .bounded.with { options in
                    options.curve = keys.map { .client(serverKey: $0.publicKey, keys: $0) }
                    options.sendHighWaterMark = 4
                })
            try dealer.connect(endpoint)
            var chunk = Frame(alignedByteCount: chunkBytes)
            _ = chunk.withUnsafeMutableBytes { $0.initializeMemory(as: UInt8.self, repeating: 1) }
            for number in 1...chunkCount {
                try dealer.send(chunk.share(), more: number % chunksInMessage != 0)
            }
            #expect(try dealer.receive().text() == "done")
        }
        var received = 0
        var start = ContinuousClock.now
        var peer: RoutingIdentifier?
        while received < chunkCount {
            var message = try router.receiveMultipart()
            if received == 0 { start = .now }
            if let name = message.popFirst() { peer = RoutingIdentifier(name) }
            received += message.count
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try router.send(Frame(copying: "done"), to: try #require(peer))
        #expect(sender.join())
        let gigabytes = Double((received - chunksInMessage) * chunkBytes) / 1e9
        let rate = String(format: "%.2f", gigabytes / seconds)
        print("loopback TCP, 1 MiB frames, \(encrypted ? "CURVE" : "plain"): \(rate) GB/s")
    }
}
