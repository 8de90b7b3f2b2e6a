// The addresses behind a name, looked up with a limit of time.

import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An address that a socket can connect to, and its family.
struct SocketAddress: Sendable {
    var family: Int32
    /// A `sockaddr_in` or `sockaddr_in6`.
    var bytes: [UInt8]

    /// The address without the port.
    var numeric: NumericAddress? {
        bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.flatMap { NumericAddress($0.assumingMemoryBound(to: sockaddr.self)) }
        }
    }
}

/// Looks names up in the system's ways: its file of hosts, the network's name servers.
enum HostLookup {
    private static let addressesMax = 8

    private final class Answer: Sendable {
        let addresses = Mutex<[SocketAddress]>([])
    }

    /// The addresses of a host, in the system's order of preference.
    ///
    /// - Returns: none if the name is unknown, or nobody answers by the deadline.
    static func addresses(_ host: String, port: UInt16, by deadline: Deadline) -> [SocketAddress] {
        // On another thread: looking names up has no time limit.
        let answer = Answer()
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            let found = addresses(host, port)
            answer.addresses.withLock { $0 = found }
            done.signal()
        }
        _ = done.wait(timeout: .now() + .milliseconds(deadline.remainingMilliseconds))
        return answer.addresses.withLock { $0 }
    }

    private static func addresses(_ host: String, _ port: UInt16) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = streamType
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, addresses.count < addressesMax {
            if let address = entry.ai_addr, entry.ai_family == AF_INET || entry.ai_family == AF_INET6 {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                addresses.append(SocketAddress(family: entry.ai_family, bytes: Array(bytes)))
            }
            next = entry.ai_next
        }
        return addresses
    }

    static var streamType: Int32 {
        #if canImport(Darwin)
        SOCK_STREAM
        #elseif canImport(Musl)
        Int32(SOCK_STREAM)
        #else
        Int32(SOCK_STREAM.rawValue)
        #endif
    }
}
