// A server that listens and is not ready yet: it reads a large text, or its newest checkpoint.

import Messaging
import Platform
import WireProtocol

/// Answers for a server that is preparing, and ends the preparation when the process is asked to end.
final class Vestibule {
    private let peers: PeerSocket
    private let output: String
    private let beganAt = MonotonicClock.seconds
    private var phase = ""

    /// For the server that listens there.
    init(_ peers: PeerSocket, output: String) {
        self.peers = peers
        self.output = output
    }

    /// Has work done on another thread, and answers until it is done.
    ///
    /// - Throws: `ServerError.interrupted` as soon as the process is asked to end; the work may hang for ever.
    func prepare<Value>(_ phase: String, _ work: @escaping () -> Value) throws(ServerError) -> Value {
        // A simulated process is one thread.
        if StandIn.current != nil { return work() }
        self.phase = phase
        let work = BackgroundWork(work)
        while true {
            if let value = work.value(withinMilliseconds: 20) { return value }
            if TerminationSignal.received != nil {
                throw .interrupted("asked to end while \(phase); nothing is lost, the same command begins anew")
            }
            answer()
        }
    }

    /// Answers what there is to answer.
    func answer() {
        for _ in 0..<64 {
            guard (try? peers.receive({ answer($0) })) == true else { return }
        }
    }

    private func answer(_ received: consuming PeerSocket.Received) {
        let peer = received.peer
        guard let body = received.header.body, peers.permits(body, from: peer, with: received.rights) else { return }
        switch body {
        case .statusRequest:
            var status = WireStatus()
            status.phase = phase
            status.outputDirectory = output
            status.uptimeSeconds = MonotonicClock.seconds - beganAt
            status.residentBytes = UInt64(CurrentProcess.residentBytes)
            status.waiting = "the server: \(phase), for \(Int(MonotonicClock.seconds - beganAt)) s"
            peers.answer(.status(status), to: peer)
        // It will be asked again.
        case .hello: peers.answer(.acknowledgement(WireAcknowledgement()), to: peer)
        case .snapshotRequest: peers.refuse(peer, .unknownVersion, "the server is \(phase); ask again later")
        default: break
        }
    }
}
