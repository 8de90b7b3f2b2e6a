// The primary's connection to one partition server.

import Messaging
import Platform
import WireProtocol

/// A connection to a partition server, and what is known of it. Belongs to the thread that makes it.
///
/// The link never waits but in `wait(for:until:)`. A partition that is silent, loses the connection (messages may have
/// gone with it), refuses a message or sends something impossible is lost for good: `loss` says why, and the primary's
/// life ends.
final class PartitionLink {
    /// How long the link waits for an answer after the last sign of life.
    static let silenceSecondsMax = 5.0
    /// How long the first answer may take: the partition server may be starting.
    static let startSecondsMax = 10.0
    private static let pingIntervalSeconds = 1.0
    private static let reducedMax = 10_000

    /// Where the partition server listens.
    let endpoint: Endpoint
    /// The chunks that it owns.
    let chunks: Range<Int>
    /// Why the partition cannot be counted on any more.
    private(set) var loss: String?
    /// Why it does not serve yet: another primary was at work there a moment ago, perhaps our own last life.
    private(set) var busy: String?
    /// When it last gave a sign of life.
    private(set) var lastHeard = MonotonicClock.seconds
    /// What it last said of itself; `nil` before its first answer.
    private(set) var report: WirePartitionReport?
    /// The sums that it has completed and not applied, by their numbers, and its chunks' parts of their norms.
    private(set) var reduced: [Int: [Double]] = [:]
    /// The version that it holds.
    private(set) var version: Int

    /// How often the step in progress was begun anew.
    private var restarts: UInt32 = 0
    /// What the partition could not take.
    private var suspicions: [WirePartitionSuspicion] = []
    private static let suspicionsMax = 64

    let socket: Socket
    let monitor: SocketMonitor
    private let run: String
    private let incarnation: UInt64
    private var nextPing = 0.0
    /// What a partition does for a step, as its reports name it.
    private static let work: Set<String> = ["sum", "norm", "adam"]
    private var workSeconds = 0.0
    private var hasWorked = false
    private var poller = Poller()
    /// Values that were asked for and have come.
    private var values: [Request: FrameBox] = [:]

    private struct Request: Hashable {
        var kind: ParameterKind
        var chunk: Int
        var version: Int
    }

    /// Begins to connect.
    init(
        to endpoint: Endpoint, chunks: Range<Int>, run: String, incarnation: UInt64, version: Int, keys: ServerKeys?,
        in context: Context
    ) throws(ServerError) {
        self.endpoint = endpoint
        self.chunks = chunks
        self.run = run
        self.incarnation = incarnation
        self.version = version
        do {
            var options = SocketOptions()
            // The state of chunks waits here while the partition takes it in.
            options.sendHighWaterMark = 32
            options.receiveHighWaterMark = 0
            options.sendTimeoutMilliseconds = Int(Self.silenceSecondsMax * 1000)
            options.lingerMilliseconds = 500
            options.curve = keys?.client
            options.reconnectIntervalMillisecondsMax = 200
            socket = try Socket(.dealer, in: context, options: options)
            monitor = try socket.monitor()
            try socket.connect(endpoint)
        } catch .invalidEndpoint, .addressUnavailable {
            throw .usage("\(endpoint): no endpoint of a partition server; expected such as tcp://192.0.2.7:5556")
        } catch {
            throw .system("partition server \(endpoint): \(error)")
        }
        poller.add(socket)
        poller.add(monitor)
    }

    /// The sum of the step in progress begins anew: what the partition said of it before does not count.
    func restart(_ message: WirePartitionRestart) {
        restarts = message.restarts
        reduced = [:]
        suspicions = []
        send(.partitionRestart(message))
    }

    /// What the partition could not take since the last call.
    func takeSuspicions() -> [WirePartitionSuspicion] {
        guard !suspicions.isEmpty else { return [] }
        defer { suspicions = [] }
        return suspicions
    }

    /// A sum is applied, or given up.
    func forget(_ sum: Int) { reduced[sum] = nil }

    /// Notes that the partition cannot be counted on.
    func lose(_ reason: String) { loss = loss ?? reason }

    // MARK: - Out

    /// Sends a message.
    func send(_ body: WireHeader.OneOf_Body, frames: consuming FrameList = FrameList()) {
        guard loss == nil else { return }
        var message = frames
        message.prepend(Frame(copying: WireHeader(run: run, incarnation: incarnation, body: body).encoded()))
        do {
            try socket.send(message)
        } catch {
            lose("takes no messages: \(error)")
        }
    }

    /// Asks for a sign of life now and then, and notes silence.
    func tick(now: Double) {
        if now - lastHeard > Self.silenceSecondsMax { lose("silent for \(Int(Self.silenceSecondsMax)) s") }
        if now >= nextPing {
            nextPing = now + Self.pingIntervalSeconds
            send(.partitionPing(WirePartitionPing()))
        }
    }

    /// Tells the partition what it owns, and waits for its first answer. One that serves another primary is asked
    /// again: that one may have died.
    func assign(_ assignment: PartitionAssignment) throws(ServerError) {
        let deadline = MonotonicClock.seconds + Self.startSecondsMax
        repeat {
            busy = nil
            send(.partitionAssignment(assignment.wire))
            do {
                let left = max(0, deadline - MonotonicClock.seconds)
                try wait(for: "an answer", seconds: left) {
                    report != nil || busy != nil || TerminationSignal.received != nil
                }
            } catch .partition(let reason) {
                let explanation = endpoint.probe(withinMilliseconds: 1000)?.explanation(endpoint)
                throw .endpoint(
                    "\(reason); \(explanation.map { $0 + "; " } ?? "")is 'rondo-server --partition' running there, and "
                        + "the port open?")
            } catch {
                throw error
            }
            if report != nil { return }
            if TerminationSignal.received != nil {
                throw .interrupted("asked to end while partition server \(endpoint) was waited for")
            }
            MonotonicClock.sleep(seconds: 0.5)
        } while MonotonicClock.seconds < deadline
        throw .endpoint("partition server \(endpoint): \(busy ?? "")")
    }

    /// Whether the partition has done something for a step since this was last asked.
    func takeSignOfWork() -> Bool {
        defer { hasWorked = false }
        return hasWorked
    }

    /// Whether it was asked to end, and waits until there is a checkpoint.
    var leaves: Bool { report?.leaves ?? false }

    /// The primary itself was busy: what came meanwhile waits unread, and nobody was silent.
    func forgiveSilence(now: Double) { lastHeard = now }

    // MARK: - In

    /// Takes in what is there.
    func receive() {
        do {
            while loss == nil, var message = try socket.tryReceiveMultipart() {
                guard let first = message.popFirst() else { continue }
                take(try first.withUnsafeBytes { bytes throws(WireError) in try WireHeader.decode(bytes) }, &message)
            }
            while let event = try monitor.next() {
                if event.kind == .disconnected { lose("the connection to it was lost") }
            }
        } catch {
            lose("\(error)")
        }
    }

    private func take(_ header: WireHeader, _ frames: inout FrameList) {
        lastHeard = MonotonicClock.seconds
        if case .refusal(let refusal)? = header.body {
            if refusal.reason == .run, report == nil {
                busy = "refused: \(ForeignText.shown(refusal.explanation, bytesMax: 500))"
                return
            }
            return lose("refused: \(ForeignText.shown(refusal.explanation, bytesMax: 500))")
        }
        guard header.run == run, header.incarnation == incarnation else { return }
        switch header.body {
        case .partitionReport(let report):
            let work = report.seconds.filter { Self.work.contains($0.name) && $0.isPlausible }.reduce(0) {
                $0 + $1.seconds
            }
            if work > workSeconds { hasWorked = true }
            workSeconds = work
            self.report = report
        case .partitionSuspicion(let answer):
            // Of the same worker and step there may be one for every chunk.
            if answer.restarts == restarts, suspicions.count < Self.suspicionsMax { suspicions.append(answer) }
        case .partitionReduced(let answer):
            // Said before the partition knew that the step begins anew.
            guard answer.restarts == restarts else { return }
            guard answer.normPartials.count == chunks.count else { return lose("sent norms of impossible shape") }
            reduced[Int(clamping: answer.sum)] = answer.normPartials
            // Sums of workers that are gone by now: the oldest go.
            while reduced.count > Self.reducedMax, let oldest = reduced.keys.min() { reduced[oldest] = nil }
        case .partitionApplied(let answer): version = max(version, Int(clamping: answer.version))
        case .partitionValues(let answer):
            guard let kind = ParameterKind(answer.kind), chunks.contains(Int(answer.chunk)), frames.count == 1,
                let frame = frames.popFirst()
            else { return lose("sent values of impossible shape") }
            let request = Request(kind: kind, chunk: Int(answer.chunk), version: Int(clamping: answer.version))
            values[request] = FrameBox(frame)
        default: lose("sent something that no partition server sends")
        }
    }

    /// Takes messages in until the condition holds.
    ///
    /// - Throws: `ServerError.partition` when the partition is lost first; silence for `seconds` is a loss.
    func wait(
        for what: String, seconds: Double = silenceSecondsMax, until condition: () -> Bool
    ) throws(ServerError) {
        let began = MonotonicClock.seconds
        while !condition() {
            if MonotonicClock.seconds - max(began, lastHeard) > seconds {
                lose("did not send \(what) within \(Int(seconds.rounded())) s")
            }
            if let loss { throw .partition("partition server \(endpoint): \(loss)") }
            do {
                _ = try poller.wait(milliseconds: 100)
            } catch {
                throw .system("messaging failed: \(error)")
            }
            receive()
            LongWork.breathe()
        }
    }

    // MARK: - Values

    /// Asks for a chunk's values.
    func request(_ kind: ParameterKind, chunk: Int) {
        var fetch = WirePartitionFetch()
        fetch.kind = kind.wire
        fetch.chunk = UInt32(chunk)
        send(.partitionFetch(fetch))
    }

    /// Waits for a chunk's values that were asked for.
    func take(_ kind: ParameterKind, chunk: Int, version: Int) throws(ServerError) -> FrameBox {
        let request = Request(kind: kind, chunk: chunk, version: version)
        try wait(for: "chunk \(chunk)") { values[request] != nil }
        guard let box = values.removeValue(forKey: request) else { throw .system("chunk \(chunk) vanished") }
        return box
    }

    /// Lets go of values that were asked for and are not wanted any more.
    func dropValues() { values = [:] }
}
