// Endpoint: where a socket listens or connects, such as tcp://127.0.0.1:5555.

/// The address of a socket.
///
///     let endpoint: Endpoint = "tcp://127.0.0.1:5555"
///     endpoint.port         // 5555
///     endpoint.isLoopback   // true
///
/// Any text can be an endpoint; whether it is a good one shows when a socket binds or connects, as a typed error.
public struct Endpoint: Sendable, Hashable {
    /// The endpoint as written: `transport://address`.
    public let text: String

    /// Takes the endpoint as written; it is not checked here.
    public init(_ text: String) {
        self.text = text
    }

    /// The part before `://`: `tcp`, `ipc` or `inproc`. Empty when there is none.
    public var transport: Substring {
        parts?.transport ?? ""
    }

    /// Of a tcp endpoint the host (without brackets), of others the whole address.
    public var host: Substring {
        guard let address = parts?.address else { return "" }
        guard transport == "tcp", let colon = address.lastIndex(of: ":") else { return address }
        let host = address[..<colon]
        return host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host
    }

    /// The port of a tcp endpoint; `nil` for other transports and for the wildcard `*`.
    public var port: UInt16? {
        guard transport == "tcp", let address = parts?.address, let colon = address.lastIndex(of: ":") else {
            return nil
        }
        return UInt16(address[address.index(after: colon)...])
    }

    /// Whether only processes of this machine can reach the endpoint: 127.0.0.0/8, ::1, localhost, ipc, inproc.
    public var isLoopback: Bool {
        switch transport {
        case "tcp": host == "localhost" || host == "::1" || Endpoint.isLoopbackAddress(host)
        case "ipc", "inproc": true
        default: false
        }
    }

    /// What the library is told to bind: it resolves no names when binding, so `localhost` becomes its address.
    var bindable: Endpoint {
        guard transport == "tcp", host == "localhost", let address = parts?.address else { return self }
        return Endpoint("tcp://127.0.0.1" + address.dropFirst("localhost".count))
    }

    private var parts: (transport: Substring, address: Substring)? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        return (text[..<colon], text[colon...].dropFirst(3))
    }

    /// Four numbers of 0 to 255 of which the first is 127. A name such as `127.example.org` does not pass.
    private static func isLoopbackAddress(_ host: Substring) -> Bool {
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers[0] == 127 && numbers.allSatisfy { $0 != nil }
    }
}

extension Endpoint: ExpressibleByStringLiteral, CustomStringConvertible {
    /// An endpoint written as a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// The endpoint as written.
    public var description: String { text }
}
