// Endpoint: where a socket listens or connects, such as tcp://127.0.0.1:5555.

/// The address of a socket.
///
///     let endpoint: Endpoint = "tcp://127.0.0.1:5555"
///     endpoint.port         // 5555
///     endpoint.isLoopback   // true
///
/// Any text can be an endpoint; whether it is a good one shows when a socket binds or connects, as a typed error.
/// The host of a tcp endpoint is an address (IPv6 in brackets, `[fe80::1%eth0]` with the zone of a link-local one), a
/// name, or for listening an interface's name or `*`.
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
    public var port: UInt16? { portText.flatMap { UInt16($0) } }

    /// What stands behind the last colon of a tcp endpoint.
    var portText: Substring? {
        guard transport == "tcp", let address = parts?.address, let colon = address.lastIndex(of: ":") else {
            return nil
        }
        return address[address.index(after: colon)...]
    }

    /// The tcp endpoint with another host.
    func with(host: String) -> Endpoint {
        Endpoint("tcp://\(host.contains(":") ? "[\(host)]" : host):\(portText ?? "*")")
    }

    /// Whether the host is an IPv6 address.
    var isIPv6: Bool { transport == "tcp" && host.contains(":") }

    /// Whether the host stands for all addresses of the machine.
    public var isWildcard: Bool {
        transport == "tcp" && (host == "*" || NumericAddress(host)?.isUnspecified == true)
    }

    /// Whether only processes of this machine can reach the endpoint: 127.0.0.0/8, ::1, localhost, the name of a
    /// loopback interface, ipc, inproc. Other names are looked up only when a socket binds.
    public var isLoopback: Bool {
        switch transport {
        case "tcp":
            host == "localhost" || NumericAddress(host)?.isLoopback == true
                || NetworkInterface.all.contains { $0.name == host && $0.address.isLoopback }
        case "ipc", "inproc": true
        default: false
        }
    }

    /// What is wrong with the endpoint as one to listen at or to connect to, however the network is; `nil` if nothing.
    public func problem(for activity: MessagingActivity) -> String? {
        let isBinding = activity == .binding
        switch transport {
        case "ipc": return host.isEmpty ? "the path is missing, as in ipc:///tmp/socket" : nil
        case "inproc": return nil
        case "tcp": break
        case "": return "expected tcp://HOST:PORT"
        default: return "the transport '\(transport)' is not known; expected tcp://HOST:PORT"
        }
        guard let address = parts?.address, !address.isEmpty else { return "expected tcp://HOST:PORT" }
        if address.count(where: { $0 == ":" }) > 1, !address.contains("[") {
            return "an IPv6 address stands in brackets, as in tcp://[::1]:5555"
        }
        guard let text = portText, !text.contains("]") else {
            return "the port is missing, as in tcp://\(address):5555"
        }
        guard !host.isEmpty else { return "the host is missing, as in tcp://127.0.0.1:\(text)" }
        if isBinding, text == "*" || text == "0" { return nil }
        guard let port, port > 0, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return "the port '\(text)' is not a number from 1 to 65535" + (isBinding ? ", or * for a free one" : "")
        }
        if !isBinding, host == "*" { return "* is for listening; name the server's host" }
        return nil
    }

    var parts: (transport: Substring, address: Substring)? {
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        return (text[..<colon], text[colon...].dropFirst(3))
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
