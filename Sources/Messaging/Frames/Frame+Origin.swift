// Where a received Frame came from: the peer's address, its key, and its connection.

import CZeroMQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One network connection of a socket, for telling which peer a monitor event is about.
///
/// The operating system gives numbers of closed connections to new ones: compare the connections of frames and events
/// only while the connection is known to be open.
public struct ConnectionIdentifier: Sendable, Hashable {
    let descriptor: CInt

    init(descriptor: CInt) {
        self.descriptor = descriptor
    }

    /// Ends the connection: the library finds it closed, frees what belongs to it, and reports `.disconnected`.
    ///
    /// Call it only for a connection whose end has not been reported yet. Should the operating system have given its
    /// number away in just that moment, another connection is ended instead, and its peer connects anew.
    public func shutDown() { _ = shutdown(descriptor, CInt(SHUT_RDWR)) }
}

extension Frame {
    /// The network address of the peer that sent this frame, for logs; `nil` for inproc and for frames made here.
    public var peerAddress: String? { property("Peer-Address") }

    /// The connection that this frame came over; equals that of the `SocketMonitor`'s events about it. `nil` for inproc
    /// and for frames made here.
    public var connection: ConnectionIdentifier? {
        let descriptor = zmq_msg_get(message, ZMQ_SRCFD)
        return descriptor >= 0 ? ConnectionIdentifier(descriptor: descriptor) : nil
    }

    /// The key that a `CurveGate` let in, on frames of its connection; `nil` when no gate decided.
    public var peerKey: CurvePublicKey? {
        property("User-Id").flatMap { try? CurvePublicKey($0) }
    }

    /// The text of that key, not checked: for looking it up among known ones.
    public var peerKeyText: String? { property("User-Id") }

    private func property(_ name: String) -> String? {
        zmq_msg_gets(message, name).map { String(cString: $0) }
    }
}
