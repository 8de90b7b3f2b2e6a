// RoutingIdentifier: the name under which a router knows a peer.

/// The name under which a router socket knows one peer: 1 to 255 bytes.
///
/// A peer without a name of its own gets one from the router, new with every connection.
public struct RoutingIdentifier: Sendable, Hashable {
    /// The bytes of the name.
    public let bytes: [UInt8]

    /// The name in a frame: the first frame of every message that a router receives.
    public init(_ frame: borrowing Frame) {
        bytes = frame.bytes()
    }

    /// A name that a peer gives itself.
    ///
    /// - Throws: `.invalidRoutingIdentifier` unless it has 1 to 255 bytes of which the first is not zero.
    public init(_ text: String) throws(MessagingError) {
        let bytes = Array(text.utf8)
        guard (1...255).contains(bytes.count), bytes.first != 0 else { throw .invalidRoutingIdentifier }
        self.bytes = bytes
    }
}

extension RoutingIdentifier: CustomStringConvertible {
    /// The name itself when it is printable ASCII, else its bytes in hexadecimal.
    public var description: String {
        if bytes.allSatisfy({ (0x21...0x7E).contains($0) }) { return String(decoding: bytes, as: UTF8.self) }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
