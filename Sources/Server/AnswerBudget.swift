// The memory that answers may take while their readers have not taken them.

import Messaging
import Synchronization

/// Bytes of answers under way, in all and to each peer. An answer that does not fit is not sent.
///
/// Weights and leases for workers are not counted here: the protocol bounds them (a worker gets the next version once
/// it has acknowledged the one before). Nor are the chunks of snapshots: all clients share them (see `SnapshotStore`).
struct AnswerBudget {
    /// Under way to all peers together, at most.
    static let bytesMax = 256 << 20
    /// Under way to one peer, at most; a single larger answer goes alone.
    static let bytesOfPeerMax = 16 << 20
    /// How long a peer may leave its answers unread without taking a single one.
    static let stalledSecondsMax = 15.0
    /// What a message costs besides its bytes.
    private static let messageBytes = 256

    /// Answers under way, counted up by the server's thread, down by the library's.
    final class Share: Sendable {
        /// Under way.
        fileprivate let bytes = Atomic(0)
        /// Answers that have left.
        fileprivate let taken = Atomic(0)
        private let total: Total

        fileprivate init(_ total: Total) { self.total = total }

        fileprivate func take(_ count: Int) {
            bytes.add(count, ordering: .relaxed)
            total.bytes.add(count, ordering: .relaxed)
        }

        /// Gives bytes back that have left, or will not be sent.
        func giveBack(_ count: Int) {
            bytes.subtract(count, ordering: .relaxed)
            total.bytes.subtract(count, ordering: .relaxed)
            taken.add(1, ordering: .relaxed)
        }
    }

    fileprivate final class Total: Sendable {
        let bytes = Atomic(0)
    }

    private struct Reader {
        var share: Share
        var connection: ConnectionIdentifier?
        /// How many answers it had taken when it was last seen to take one, and when that was.
        var taken = 0
        var tookAt: Double
    }

    private let total = Total()
    private var readers: [RoutingIdentifier: Reader] = [:]

    /// Bytes under way to everybody.
    var bytes: Int { total.bytes.load(ordering: .relaxed) }

    /// Room for an answer of so many bytes to a peer.
    ///
    /// - Returns: what must be given back when the answer has left; `nil` if there is no room.
    mutating func reserve(
        _ byteCount: Int, for peer: RoutingIdentifier, over connection: ConnectionIdentifier?, now: Double
    ) -> (share: Share, bytes: Int)? {
        let cost = byteCount + Self.messageBytes
        var reader = readers[peer] ?? Reader(share: Share(total), tookAt: now)
        let ofPeer = reader.share.bytes.load(ordering: .relaxed)
        guard ofPeer == 0 || ofPeer + cost <= Self.bytesOfPeerMax, bytes + cost <= Self.bytesMax else { return nil }
        if ofPeer == 0 { reader.tookAt = now }
        if let connection { reader.connection = connection }
        reader.share.take(cost)
        readers[peer] = reader
        return (reader.share, cost)
    }

    /// Forgets readers who have taken everything, and names the connections of those who take nothing.
    mutating func review(now: Double) -> [ConnectionIdentifier] {
        var stalled: [ConnectionIdentifier] = []
        for (peer, reader) in readers {
            let taken = reader.share.taken.load(ordering: .relaxed)
            if reader.share.bytes.load(ordering: .relaxed) == 0 {
                readers[peer] = nil
            } else if taken != reader.taken {
                readers[peer]?.taken = taken
                readers[peer]?.tookAt = now
            } else if now - reader.tookAt > Self.stalledSecondsMax, let connection = reader.connection {
                stalled.append(connection)
                // Once: what is under way comes back when the connection is gone.
                readers[peer] = nil
            }
        }
        return stalled
    }
}
