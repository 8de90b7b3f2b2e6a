// Signs of life, on a thread and a connection of their own: neither long computations nor bulk data delay them.

import Messaging
import Platform
import Synchronization
import WireProtocol

/// Sends a heartbeat at an interval for one connection of a worker, and notes the answers.
final class Heartbeat: Sendable {
    private let endpoint: Endpoint
    private let keys: CurveRole?
    private let context: Context
    private let header: WireHeader
    private let intervalSeconds: Double
    private let isStopped = Atomic<Bool>(false)
    private let lastReplyBits = Atomic<UInt64>(0)
    private let isForgotten = Atomic<Bool>(false)

    /// Starts the thread.
    init(
        endpoint: Endpoint, keys: CurveRole?, context: Context, worker: RoutingIdentifier, run: String,
        incarnation: UInt64,
        intervalSeconds: Double
    ) {
        self.endpoint = endpoint
        self.keys = keys
        self.context = context
        // The server says it: neither a flood nor silence comes of it.
        self.intervalSeconds = min(10, max(0.05, ForeignNumber.seconds(intervalSeconds)))
        var heartbeat = WireHeartbeat()
        heartbeat.worker = .init(worker.bytes)
        header = WireHeader(run: run, incarnation: incarnation, body: .heartbeat(heartbeat))
        BackgroundThread.start { self.run() }
    }

    /// When the server last answered, on the monotonic clock; 0 if it never did.
    var lastReplySeconds: Double { Double(bitPattern: lastReplyBits.load(ordering: .relaxed)) }

    /// Whether the server said that it does not know this worker (any more).
    var serverForgotWorker: Bool { isForgotten.load(ordering: .relaxed) }

    /// Ends the thread soon.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func run() {
        var options = SocketOptions()
        options.sendTimeoutMilliseconds = 0
        // Old heartbeats are worth nothing: at most a few wait.
        options.sendHighWaterMark = 4
        options.curve = keys
        guard let socket = try? Socket(.dealer, in: context, options: options), (try? socket.connect(endpoint)) != nil
        else { return }
        var next = 0.0
        var saidLeave = false
        while !isStopped.load(ordering: .relaxed) {
            let now = MonotonicClock.seconds
            // The thread that computes looks for signals when it is done; the lease need not wait for that.
            let leaves = TerminationSignal.received != nil
            if now >= next || (leaves && !saidLeave) {
                saidLeave = leaves
                next = now + intervalSeconds
                var frame = Frame(copying: beat())
                _ = try? socket.trySend(&frame)
            }
            do {
                if let message = try socket.receiveMultipart(withinMilliseconds: 50) { note(message) }
            } catch .terminated {
                return
            } catch {
                MonotonicClock.sleep(seconds: 0.005)
            }
        }
    }

    private func beat() -> [UInt8] {
        var header = header
        header.heartbeat.residentBytes = UInt64(CurrentProcess.residentBytes)
        header.heartbeat.leaves = TerminationSignal.received != nil
        return header.encoded()
    }

    private func note(_ received: consuming FrameList) {
        var message = received
        guard let frame = message.popFirst(),
            let header = frame.withUnsafeBytes({ try? WireHeader.decode($0) }), let body = header.body
        else { return }
        lastReplyBits.store(MonotonicClock.seconds.bitPattern, ordering: .relaxed)
        switch body {
        case .heartbeatReply(let reply): if !reply.known { isForgotten.store(true, ordering: .relaxed) }
        case .refusal: isForgotten.store(true, ordering: .relaxed)
        default: break
        }
    }
}
