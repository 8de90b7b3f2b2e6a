// What an endpoint's host means on this machine: addresses to bind, a family to connect with, an address for others.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Endpoint {
    private static let lookupMilliseconds = 5000
    private static let familyMilliseconds = 1000

    /// The endpoints with addresses in numbers that stand for this one when a socket listens: the library itself looks
    /// no names up then. The first that can be had is taken.
    ///
    /// - Throws: `.invalidEndpoint`; `.unknownHost` for a name that is neither an interface's nor a known host's.
    public func bindingPlaces() throws(MessagingError) -> [Endpoint] {
        guard transport == "tcp" else { return [self] }
        guard problem(for: .binding) == nil else { throw .invalidEndpoint(self) }
        // 0 and * are the same wish.
        let port = portText == "0" ? "*" : String(portText ?? "*")
        func place(_ host: String) -> Endpoint { Endpoint("tcp://h:\(port)").with(host: host) }
        let name = String(host)
        if name == "*" || NumericAddress(name) != nil { return [place(name)] }
        if name == "localhost" { return [place("127.0.0.1"), place("::1")] }
        let ofInterface = NetworkInterface.all.filter { $0.name == name }.map(\.address)
        let found =
            ofInterface.isEmpty
            ? HostLookup.addresses(name, port: 0, by: Deadline(milliseconds: Self.lookupMilliseconds))
                .compactMap(\.numeric) : ofInterface
        guard !found.isEmpty else { throw .unknownHost(self) }
        return (found.filter { !$0.isIPv6 } + found.filter(\.isIPv6)).map { place($0.text) }
    }

    /// Whether a socket that connects must speak IPv6. A name with addresses of both kinds is reached over IPv4, unless
    /// only its IPv6 address takes connections.
    func connectsOverIPv6() -> Bool {
        guard transport == "tcp", let port else { return false }
        if let address = NumericAddress(host) { return address.isIPv6 }
        let deadline = Deadline(milliseconds: Self.familyMilliseconds)
        let found = HostLookup.addresses(String(host), port: port, by: deadline)
        let (four, six) = (found.filter { $0.family == AF_INET }, found.filter { $0.family == AF_INET6 })
        guard let first = six.first else { return false }
        guard let other = four.first else { return true }
        return !other.takesConnections(by: deadline) && first.takesConnections(by: deadline)
    }

    /// The endpoint as other machines reach it: one that listens at all addresses is told with the address from which
    /// this machine reaches others. A single address, or a name, stays as it is.
    public var advertised: Endpoint {
        guard isWildcard else { return self }
        let isIPv4 = !isIPv6
        if let address = Self.outwardAddress { return with(host: address.text) }
        let usable = NetworkInterface.all.map(\.address).filter { !$0.isLoopback && !$0.isLinkLocal }
        let best = usable.first { !$0.isIPv6 } ?? usable.first { $0.isIPv6 && !isIPv4 }
        return with(host: best?.text ?? "127.0.0.1")
    }

    /// The IPv4 address that the system would send from to a far host; nothing is sent to find out.
    private static var outwardAddress: NumericAddress? {
        #if canImport(Glibc)
        let type = Int32(SOCK_DGRAM.rawValue)
        #else
        let type = Int32(SOCK_DGRAM)
        #endif
        let descriptor = socket(AF_INET, type, 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        // An address for documentation (RFC 5737): no host has it, and the default route leads to it.
        var far = sockaddr_in()
        far.sin_family = sa_family_t(AF_INET)
        far.sin_port = in_port_t(9).bigEndian
        guard inet_pton(AF_INET, "198.51.100.1", &far.sin_addr) == 1 else { return nil }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &far) { far in
            far.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                guard connect(descriptor, address, length) == 0, getsockname(descriptor, address, &length) == 0,
                    let found = NumericAddress(address), !found.isLoopback, !found.isUnspecified
                else { return nil }
                return found
            }
        }
    }
}
