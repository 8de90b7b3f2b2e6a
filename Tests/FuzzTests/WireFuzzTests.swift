// Whatever comes in over a port: headers, what is made of them, keys, endpoints, events.

import Foundation
import Numerics
import Platform
import Testing

@testable import Client
@testable import Messaging
@testable import Server
@testable import WireProtocol

/// One message of each kind that has something in it to get wrong.
private func headers() -> [WireHeader] {
    var push = WirePush()
    (push.sum, push.chunk, push.sparseRows, push.isSparse) = (3, 1, 2, true)
    push.node.upper = 4
    var dense = WirePush()
    (dense.sum, dense.chunk, dense.isShared, dense.sharedOffset) = (3, 0, true, 64)
    (dense.node.lower, dense.node.upper) = (2, 4)
    var several = WirePushes()
    several.pushes = [push, dense, dense]
    var tensor = WireParameterTensor()
    (tensor.name, tensor.shape, tensor.isRowSparse) = ("embedding.weight", [300, 64], true)
    var matrix = WireParameterTensor()
    (matrix.name, matrix.shape) = ("rnn.weight_ih_l0", [1024, 256])
    var assignment = WirePartitionAssignment()
    (assignment.tensors, assignment.shards, assignment.version) = ([tensor, matrix, matrix], 8, 12)
    (assignment.chunks.lower, assignment.chunks.upper, assignment.silenceLimitSeconds) = (1, 2, 5)
    (assignment.adam.rate, assignment.adam.beta1, assignment.adam.beta2, assignment.adam.epsilon) =
        (0.001, 0.9, 0.999, 1e-8)
    var done = WireSpanDone()
    (done.lease, done.step, done.computeSeconds) = (7, 3, 0.25)
    done.outcomes = (0..<4).map { shard in
        var outcome = WireShardOutcome()
        (outcome.shard, outcome.loss, outcome.tokens) = (UInt32(shard), 12.5, 64)
        return outcome
    }
    var worker = WireWorkerStatus()
    (worker.name, worker.tokensPerSecond, worker.process, worker.span.upper) = ("worker-1", 1e5, 77, 4)
    var counter = WireCounter()
    (counter.name, counter.value) = ("malformed", 3)
    var status = WireStatus()
    (status.phase, status.step, status.stepsTotal, status.workers) = ("training", 3, 100, [worker, worker])
    (status.counters, status.validationLoss, status.tokensPerSecond) = ([counter], 1.5, 1e5)
    var hello = WireHello()
    (hello.name, hello.host, hello.process, hello.instance) = ("worker", "host", 9, "host/9/ab")
    var heartbeat = WireHeartbeat()
    heartbeat.worker = .init([1, 2, 3])
    var fetch = WireSnapshotChunkRequest()
    (fetch.version, fetch.chunk) = (3, 9)
    var apply = WirePartitionApply()
    (apply.sum, apply.update, apply.gradientScale, apply.recipients) = (3, 4, 0.5, [.init([1]), .init([2])])
    let bodies: [WireHeader.OneOf_Body] = [
        .push(push), .pushes(several), .partitionAssignment(assignment), .spanDone(done), .status(status),
        .hello(hello), .heartbeat(heartbeat), .snapshotChunkRequest(fetch), .partitionApply(apply),
        .statusRequest(WireStatusRequest()),
    ]
    return bodies.map { WireHeader(run: "00112233445566ff", incarnation: 2, body: $0) }
}

private func decode(_ bytes: [UInt8]) throws -> WireHeader {
    try bytes.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
}

@Suite("fuzzed messages", .serialized)
struct WireFuzzTests {
    @Test("any bytes give a header or a typed error; statuses and assignments of any content give a value or none")
    func headersOfAnyContent() throws {
        var decoded = 0
        Fuzzer(headers().map { $0.encoded() }).run(40_000) { input, comment in
            do {
                let header = try decode(input)
                decoded += 1
                switch header.body {
                case .status(let status): _ = RunStatus(status)
                case .partitionAssignment(let wire):
                    guard let assignment = PartitionAssignment(wire) else { break }
                    #expect(assignment.chunks.upperBound <= assignment.layout.chunks.count, comment)
                    #expect(assignment.layout.chunks.allSatisfy { !$0.elements.isEmpty }, comment)
                default: break
                }
            } catch {
                #expect(error is WireError, comment)
            }
        }
        #expect(decoded > 4_000, "the decoder was hardly passed")
    }

    @Test("assignments with numbers of any size give sound ones or none, and take little memory")
    func assignments() throws {
        guard case .partitionAssignment(let original)? = headers()[2].body else { return }
        var numbers = SplitMix(state: 1)
        let extremes: [UInt64] = [0, 1, 2, 255, 1 << 16, (1 << 18) + 1, 1 << 31, 1 << 32, 1 << 38, 1 << 62, .max]
        Fuzzer([[1]]).run(3_000) { input, comment in
            for byte in input { numbers.state ^= UInt64(byte) &* 0x9E37_79B9 }
            var wire = original
            func number(_ limit: UInt64 = .max) -> UInt64 {
                min(limit, extremes.randomElement(using: &numbers) ?? 0)
            }
            for _ in 0..<2 {
                switch Int.random(in: 0..<7, using: &numbers) {
                case 0: wire.tensors[0].shape = [number(), number()]
                case 1: wire.tensors[1].shape = (0..<Int.random(in: 0..<4, using: &numbers)).map { _ in number() }
                case 2: wire.chunks.lower = UInt32(number(UInt64(UInt32.max)))
                case 3: wire.chunks.upper = UInt32(number(UInt64(UInt32.max)))
                case 4: wire.shards = UInt32(number(UInt64(UInt32.max)))
                case 5: wire.version = number()
                default: wire.silenceLimitSeconds = [.nan, .infinity, -1, 0, 1e300].randomElement(using: &numbers) ?? 0
                }
            }
            guard let assignment = PartitionAssignment(wire) else { return }
            #expect(
                assignment.stateBytes > 0 && assignment.chunks.upperBound <= assignment.layout.chunks.count, comment)
        }
    }

    @Test("pushes of any content, with frames of any size, are taken, or refused with a verdict")
    func pushes() throws {
        var layout = ParameterLayout()
        layout.append("embedding.weight", [30, 8], isRowSparse: true)
        layout.append("rnn.weight_ih_l0", [16, 8])
        layout.append("rnn.bias_ih_l0", [16])
        let shards = 4
        var verdicts: [String: Int] = [:]
        func partition(_ precision: Precision) -> ParameterPartition {
            ParameterPartition(
                layout: layout, chunks: 0..<3, shards: shards, version: 3, precision: precision,
                clock: ServerClock(.other))
        }
        var partitions = [partition(.single), partition(.bfloat16)]
        let memory = try? SharedMemory(byteCount: 4096)
        let samples = headers().prefix(2).map { $0.encoded() }
        Fuzzer(samples).run(40_000) { input, comment in
            guard let header = try? decode(input) else { return }
            let digest: UInt64 = input.reduce(0) { sum, byte in (sum &* 31) &+ UInt64(byte) }
            var random = SplitMix(state: digest & 0xFFFF_FFFF)
            let pushes: [WirePush]
            switch header.body {
            case .push(let push): pushes = [push]
            case .pushes(let several): pushes = several.pushes
            default: return
            }
            for push in pushes {
                let index = Int.random(in: 0..<2, using: &random)
                var frames = FrameList()
                var push = push
                if Bool.random(using: &random), push.chunk < 3 {
                    // What fits, so that what comes behind the checks is reached, too.
                    push.sum = 3
                    push.node.lower = min(push.node.lower, 3)
                    push.node.upper = push.node.lower + 1
                    push.isSparse = push.chunk == 0
                    push.sparseRows = min(push.sparseRows, 3)
                    let rows = push.isSparse ? Int(push.sparseRows) : 16
                    if push.isSparse, rows > 0 {
                        frames.append(Frame(copyingElements: [UInt32]([2, 3, 29].suffix(rows))))
                    }
                    let count = rows * (push.chunk == 2 ? 1 : 8)
                    if count > 0, !push.isShared { frames.append(Frame(byteCount: count * (index == 0 ? 4 : 2))) }
                    push.sharedOffset %= 8192
                }
                for _ in 0..<Int.random(in: 0..<4, using: &random) where frames.isEmpty {
                    // Often the right sizes: row numbers, and values of a chunk.
                    let sizes = [0, 3, 8, 64, 16 * 8 * 4, 16 * 8 * 2, 64 * 2, 2 * 8 * 4]
                    let bytes = sizes.randomElement(using: &random) ?? 0
                    let values = (0..<bytes).map { _ in UInt8.random(in: 0...2, using: &random) }
                    frames.append(Frame(copying: bytes == 8 ? [1, 0, 0, 0, 9, 0, 0, 0] : values))
                }
                let verdict = partitions[index].accept(
                    push, frames: frames, within: ShardRange(0, shards), memory: memory)
                verdicts["\(verdict)", default: 0] += 1
                // A new step, so that more than the first sums are new.
                if case .completed = verdict { partitions[index] = partition(index == 0 ? .single : .bfloat16) }
                if verdicts["duplicate", default: 0] % 64 == 63 {
                    partitions[index] = partition(index == 0 ? .single : .bfloat16)
                }
                #expect(partitions[index].version == 3, comment)
            }
        }
        #expect((verdicts["accepted"] ?? 0) > 50 && (verdicts["impossible"] ?? 0) > 1000, "\(verdicts)")
    }

    @Test("endpoints and keys of any text are taken or refused with a typed error")
    func endpointsAndKeys() throws {
        let samples = ["tcp://127.0.0.1:5555", "tcp://[::1]:5555", "tcp://*:*", "ipc:///tmp/x", "tcp://host.example:1"]
        Fuzzer(samples.map { Array($0.utf8) }, words: ["://", ":", "[", "]", "*", "tcp", "65536", "-1"]).run(20_000) {
            input, comment in
            let text = String(decoding: input, as: UTF8.self)
            let endpoint = Endpoint(text)
            _ = (endpoint.transport, endpoint.host, endpoint.port, endpoint.isLoopback)
            do throws(ClientError) { _ = try Endpoint(typed: text) } catch {
                #expect(!error.description.isEmpty, comment)
            }
        }
        let pair = try CurveKeyPair.generate()
        Fuzzer([Array(pair.publicKey.text.utf8), Array(pair.secretKey.text.utf8)]).run(20_000) { input, comment in
            let text = String(decoding: input, as: UTF8.self)
            do throws(MessagingError) { _ = try CurvePublicKey(text) } catch {
                guard case .malformedKey = error else { return #expect(Bool(false), "\(comment): \(error)") }
            }
            _ = try? CurveSecretKey(text)
        }
    }

    @Test("any bytes from a monitor give an event")
    func monitorEvents() {
        let samples: [[UInt8]] = (0..<16).map { [UInt8(1 << ($0 % 8)), UInt8($0 / 8), 7, 0, 0, 0] }
        Fuzzer(samples).run(20_000) { input, comment in
            let event = MonitorEvent(header: input, endpoint: String(decoding: input, as: UTF8.self))
            #expect(input.count >= 6 || event.connection?.descriptor ?? 0 == 0, comment)
        }
    }
}
