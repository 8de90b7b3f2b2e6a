// What a server answers while its disk works: whoever asks hears that it lives.

import Cluster
import Messaging
import Platform
import WireProtocol

/// Messages that wait until the server has time for them.
struct PostponedMessages {
    /// A message, held until it is taken.
    final class Message {
        var received: PeerSocket.Received?

        init(_ received: consuming PeerSocket.Received) { self.received = consume received }
    }

    /// The most that wait; what comes then stays in the socket's queues.
    private static let countMax = 2048
    private static let bytesMax = 64 << 20

    private var messages: [Message] = []
    private var byteCount = 0

    var isFull: Bool { messages.count >= Self.countMax || byteCount >= Self.bytesMax }

    mutating func append(_ received: consuming PeerSocket.Received) {
        byteCount += received.frames.byteCount
        messages.append(Message(received))
    }

    /// All that waited, in their order.
    mutating func takeAll() -> [Message] {
        defer { (messages, byteCount) = ([], 0) }
        return messages
    }
}

extension ParameterServer {
    /// Looks after questions and signs of life in the middle of work that takes long, above all a checkpoint on a slow
    /// disk. Nothing is done that changes the run: what could, waits.
    func attend() {
        isAttending = true
        defer { isAttending = false }
        let before = clock.activity
        defer { clock.enter(before) }
        let now = MonotonicClock.seconds
        do {
            try peers.keepBounds(now: now, logger: logger)
            for _ in 0..<64 {
                guard !postponed.isFull, try peers.receive({ take($0) }) else { break }
            }
        } catch {
            // The loop will meet it again.
        }
        partitions.receive()
        partitions.tick(now: now, wasBusy: false)
    }

    /// Whether a message can be answered while the server is in the middle of something else.
    func canAttend(to body: WireHeader.OneOf_Body) -> Bool {
        switch body {
        case .statusRequest, .hello, .dataRequest, .snapshotChunkRequest: true
        case .heartbeat(let heartbeat): !heartbeat.leaves
        default: false
        }
    }

    /// Takes in what came while the server was busy.
    func takePostponed() throws(MessagingError) {
        for message in postponed.takeAll() {
            guard end == nil, let received = message.received.take() else { continue }
            peers.answering(received) { take($0) }
        }
    }

    /// What the server is doing that makes the run wait, in words; `nil` if it is nothing.
    var busyness: String? { clock.activity == .checkpoint ? "writing a checkpoint" : nil }
}
