// What the owners of keys may do at a server: by their role, and by nothing that they say of themselves.

import Logging
import Synchronization
import Testing
import WireProtocol

@testable import Messaging
@testable import Server

/// A server's socket with keys, and the means to knock at it.
private final class Door {
    let server: CurveKeyPair
    let peers: PeerSocket

    init(
        _ allowed: [CurvePublicKey: PeerRights],
        reread: (@Sendable () -> [CurvePublicKey: PeerRights]?)? = nil
    ) throws {
        server = try CurveKeyPair.generate()
        peers = try PeerSocket(
            "tcp://127.0.0.1:*", isInsecure: false,
            keys: ServerKeys(pair: server, allowed: allowed, reread: reread), in: Context(), clock: ServerClock(.other))
    }

    /// Sends a message with a key.
    ///
    /// - Returns: What the sender may do; `nil` if nothing came in.
    func rights(of keys: CurveKeyPair, within milliseconds: Int = 5000) throws -> PeerRights? {
        var options = SocketOptions()
        options.curve = .client(serverKey: server.publicKey, keys: keys)
        let dealer = try Socket(.dealer, in: Context(), options: options)
        try dealer.connect(peers.endpoint)
        let header = WireHeader(run: "", incarnation: 0, body: .stopRequest(WireStopRequest()))
        try dealer.send(Frame(copying: header.encoded()))
        var poller = Poller()
        peers.listen(on: &poller)
        guard try poller.wait(milliseconds: milliseconds) else { return nil }
        var rights: PeerRights?
        _ = try peers.receive { rights = $0.rights }
        return rights
    }
}

@Suite("rights of keys", .enabled(if: Curve.isAvailable, "the installed ZeroMQ library has no CURVE"))
struct PeerRightsTests {
    @Test("a message has the rights of the key that its connection was made with")
    func roles() throws {
        let keys = try PeerRole.allCases.map { ($0, try CurveKeyPair.generate()) }
        let door = try Door(Dictionary(uniqueKeysWithValues: keys.map { ($0.1.publicKey, $0.0.rights) }))
        for (role, pair) in keys { #expect(try door.rights(of: pair) == role.rights, "\(role)") }
        #expect(try door.rights(of: door.server) == [.read, .work, .control, .lead])
    }

    @Test("clients look, workers work, the supervisor stops the run, and only the servers' key leads partitions")
    func messages() {
        let bodies: [(WireHeader.OneOf_Body, [PeerRole])] = [
            (.statusRequest(WireStatusRequest()), [.client, .supervisor, .any]),
            (.snapshotRequest(WireSnapshotRequest()), [.client, .supervisor, .any]),
            (.snapshotChunkRequest(WireSnapshotChunkRequest()), [.client, .supervisor, .any]),
            (.hello(WireHello()), [.worker, .any]), (.ready(WireReady()), [.worker, .any]),
            (.push(WirePush()), [.worker, .any]), (.pushes(WirePushes()), [.worker, .any]),
            (.spanDone(WireSpanDone()), [.worker, .any]), (.heartbeat(WireHeartbeat()), [.worker, .any]),
            (.leave(WireLeave()), [.worker, .any]), (.dataRequest(WireDataRequest()), [.worker, .any]),
            (.computationFailed(WireComputationFailed()), [.worker, .any]), (.attach(WireAttach()), [.worker, .any]),
            (.workerDeath(WireWorkerDeath()), [.supervisor, .any]),
            (.stopRequest(WireStopRequest()), [.supervisor, .any]),
            (.partitionAssignment(WirePartitionAssignment()), []), (.partitionState(WirePartitionState()), []),
            (.partitionApply(WirePartitionApply()), []), (.partitionSend(WirePartitionSend()), []),
            (.partitionFetch(WirePartitionFetch()), []), (.partitionPing(WirePartitionPing()), []),
            (.partitionForget(WirePartitionForget()), []), (.goodbye(WireGoodbye()), []),
        ]
        for (body, roles) in bodies {
            let permitted = PeerRole.allCases.filter { $0.rights.isSuperset(of: body.neededRights) }
            #expect(Set(permitted) == Set(roles), "\(body)")
        }
    }

    @Test("a message that its sender's key does not allow is counted, and answered with the reason")
    func forbidden() throws {
        let client = try CurveKeyPair.generate()
        let door = try Door([client.publicKey: PeerRole.client.rights])
        let rights = try #require(try door.rights(of: client))
        let peer = try RoutingIdentifier("somebody")
        #expect(!door.peers.permits(.stopRequest(WireStopRequest()), from: peer, with: rights))
        #expect(!door.peers.permits(.hello(WireHello()), from: peer, with: rights))
        #expect(door.peers.permits(.statusRequest(WireStatusRequest()), from: peer, with: rights))
        #expect(door.peers.counters.forbidden == 2)
    }

    @Test("a key that was added to the list comes in at its next knock, and one that was taken out loses its rights")
    func reread() throws {
        let (first, second) = (try CurveKeyPair.generate(), try CurveKeyPair.generate())
        let reads = Atomic<Int>(0)
        let door = try Door([first.publicKey: [.read]]) {
            // The list has changed by the second look.
            let count = reads.add(1, ordering: .relaxed).newValue
            return count == 1 ? nil : [second.publicKey: PeerRole.worker.rights]
        }
        #expect(try door.rights(of: first) == [.read])
        #expect(try door.rights(of: second, within: 500) == nil)
        door.peers.noteRefusals(logger: Logger(label: "test"))
        #expect(door.peers.counters.refusedKeys == 1)
        // Not read at every knock.
        #expect(reads.load(ordering: .relaxed) == 1)
        #expect(try door.rights(of: second) == [.work])
        #expect(try door.rights(of: first, within: 500) == nil)
    }
}
