// The socket of a server process: where workers, clients and other servers reach it.

import Foundation
import Logging
import Messaging
import Platform
import WireProtocol

/// A bound ROUTER socket with the identity of the run behind it. Belongs to the thread that makes it.
final class PeerSocket {
    let socket: Socket
    /// Where it listens, with the port that was chosen.
    let endpoint: Endpoint
    /// The run and the life of its server, which every message out carries.
    var run = ""
    var incarnation: UInt64 = 0
    /// What was refused or dropped.
    var counters = ServerCounters()
    private let clock: ServerClock
    /// Lets the owners of listed keys in; `nil` where nothing is encrypted.
    private let gate: CurveGate?

    /// Listens.
    ///
    /// - Throws: `ServerError.usage` beyond loopback without keys unless `isInsecure`, `.endpoint` if the endpoint
    ///   cannot be had.
    init(
        _ endpoint: Endpoint, isInsecure: Bool, keys: ServerKeys? = nil, in context: Context, clock: ServerClock
    ) throws(ServerError) {
        guard endpoint.isLoopback || isInsecure || keys != nil else {
            throw .usage(
                "\(endpoint): listening beyond this machine without encryption lets anybody read and change "
                    + "the run; give --key and --allow, bind to tcp://127.0.0.1:PORT, or give --insecure on a "
                    + "network that you trust")
        }
        self.clock = clock
        do {
            var options = SocketOptions()
            options.lingerMilliseconds = 1000
            // Bounded by the protocol instead: one version of the weights for each worker, one chunk for each request.
            options.sendHighWaterMark = 0
            options.frameBytesMax = WireLimits.headerBytesMaximum
            options.curve = keys.map { .server(secretKey: $0.pair.secretKey) }
            // Before the socket: without a gate everybody who knows the server's key would be let in.
            if let keys {
                gate = try CurveGate(in: context, allowing: keys.allowed.union([keys.pair.publicKey]))
            } else {
                gate = nil
            }
            socket = try Socket(.router, in: context, options: options)
        } catch {
            throw .system("\(error)")
        }
        do {
            self.endpoint = try socket.bind(endpoint)
        } catch {
            throw .endpoint("\(error)")
        }
    }

    /// Adds what must be waited for.
    func listen(on poller: inout Poller) {
        poller.add(socket)
        if gate != nil { poller.add(gate!) }
    }

    /// Lets in or refuses those who ask to come in.
    func answerGate(logger: Logger) throws(MessagingError) {
        guard gate != nil else { return }
        for decision in try gate!.answer() where !decision.isAllowed {
            counters.refusedKeys += 1
            // Everybody can ask as often as they like; the log shall not grow with it.
            guard counters.refusedKeys <= 100 else { continue }
            logger.warning(
                "a key was refused",
                metadata: ["key": "\(decision.key?.text ?? "none")", "address": "\(decision.address)"])
        }
    }

    /// Writes the endpoint into a file, whole or not at all: how a supervisor learns a free port.
    func announce(in file: String) throws(ServerError) {
        do {
            try Data("\(endpoint)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        } catch {
            throw .system("\(file): cannot be written: is the directory there, and writable?")
        }
    }

    /// Sends a message to one peer. One that has gone is counted; its silence will tell.
    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList(), to peer: RoutingIdentifier) {
        let before = clock.enter(.send)
        defer { clock.enter(before) }
        let header = WireHeader(run: run, incarnation: incarnation, body: body)
        var message = frames
        message.prepend(Frame(copying: header.encoded()))
        do {
            try socket.send(message, to: peer)
        } catch {
            counters.unreachablePeers += 1
        }
    }

    /// Tells a peer that its message was not taken, and why.
    func refuse(_ peer: RoutingIdentifier, _ reason: WireRefusalReason, _ explanation: String) {
        var refusal = WireRefusal()
        refusal.reason = reason
        refusal.explanation = explanation
        send(.refusal(refusal), to: peer)
    }

    /// A message whose header was understood.
    struct Received: ~Copyable {
        var peer: RoutingIdentifier
        var header: WireHeader
        var frames: FrameList
    }

    /// Takes the next message in, if one waits, and hands it to `take`; one that cannot be understood is counted and
    /// refused.
    ///
    /// - Returns: Whether a message waited.
    func receive(_ take: (consuming Received) -> Void) throws(MessagingError) -> Bool {
        let received: FrameList?
        do {
            received = try socket.tryReceiveMultipart()
        } catch .tooManyFrames {
            counters.malformed += 1
            return true
        } catch {
            throw error
        }
        guard var message = received else { return false }
        guard let name = message.popFirst(), let head = message.popFirst() else {
            counters.malformed += 1
            return true
        }
        let peer = RoutingIdentifier(name)
        do {
            let header = try head.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }
            take(Received(peer: peer, header: header, frames: message))
        } catch {
            counters.malformed += 1
            let reason: WireRefusalReason = if case .protocolVersion = error { .protocolVersion } else { .malformed }
            refuse(peer, reason, "\(error)")
        }
        return true
    }
}

/// What was refused or dropped, by reason; shown in status reports.
struct ServerCounters {
    var malformed = 0
    var wrongRun = 0
    var staleIncarnation = 0
    var unknownWorker = 0
    var stalePushes = 0
    var duplicatePushes = 0
    var workersLost = 0
    var workersLeft = 0
    var stepsRefused = 0
    var stepsRepeated = 0
    var unreachablePeers = 0
    var refusedKeys = 0

    var list: [(String, Int)] {
        [
            ("malformed", malformed), ("wrong-run", wrongRun), ("stale-incarnation", staleIncarnation),
            ("unknown-worker", unknownWorker), ("stale-pushes", stalePushes), ("duplicate-pushes", duplicatePushes),
            ("workers-lost", workersLost), ("workers-left", workersLeft), ("steps-refused", stepsRefused),
            ("steps-repeated", stepsRepeated),
            ("unreachable-peers", unreachablePeers), ("refused-keys", refusedKeys),
        ]
    }

    /// As messages carry them.
    var wire: [WireCounter] {
        list.map { WireCounter($0.0, $0.1) }
    }
}
