// Why a connection does not come about: a look at an endpoint with plain TCP.

import Dispatch
import Platform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a look at an endpoint found.
public enum ProbeFinding: Sendable, Equatable {
    /// No such name.
    case unknownHost
    /// The host answers that nothing listens at the port.
    case refused
    /// No answer at all: the host is down, the address is wrong, or a firewall drops what is sent there.
    case silent
    /// This machine has no way there; in the system's words.
    case unreachable(String)
    /// Something takes connections, and does not introduce itself as ZeroMQ does.
    case foreign
    /// Something takes connections, and introduces itself as ZeroMQ does.
    case listening

    /// What a user can do about it; `nil` where a server of ours may be.
    public func explanation(_ endpoint: Endpoint) -> String? {
        switch self {
        case .unknownHost: "no host of the name \(endpoint.host) is known"
        case .refused: "the host refuses connections: nothing listens at \(endpoint); is rondo-server running there?"
        case .silent:
            "nothing answers at \(endpoint): the host is down, the address is wrong, or a firewall drops connections"
        case .unreachable(let reason): "there is no way to \(endpoint): \(reason)"
        case .foreign: "what listens at \(endpoint) does not speak ZeroMQ's protocol: it is no Rondo server"
        case .listening: nil
        }
    }
}

extension Endpoint {
    /// Looks who is there, for about so long at most. Meant for an endpoint to which ZeroMQ does not come through, and
    /// which does not say why.
    ///
    /// - Returns: `nil` for another transport than tcp, and without a port.
    public func probe(withinMilliseconds milliseconds: Int) -> ProbeFinding? {
        guard transport == "tcp", let port, port > 0 else { return nil }
        // A simulated network has no plain TCP.
        if StandIn.current != nil { return .silent }
        return EndpointProbe(deadline: Deadline(milliseconds: milliseconds)).look(host: String(host), port: port)
    }
}

private struct EndpointProbe {
    let deadline: Deadline

    /// What a peer of ZeroMQ sends at once: ten bytes, of which the first and the last are fixed (ZMTP 3.1, section 3).
    private static let signatureBytes = 10
    private static let addressesMax = 4

    private struct Address: Sendable {
        var family: Int32
        var bytes: [UInt8]
    }

    private final class Lookup: Sendable {
        let addresses = Mutex<[Address]>([])
    }

    func look(host: String, port: UInt16) -> ProbeFinding {
        // On another thread: looking names up has no time limit.
        let lookup = Lookup()
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            let found = Self.addresses(host, port)
            lookup.addresses.withLock { $0 = found }
            done.signal()
        }
        let isDone = done.wait(timeout: .now() + .milliseconds(deadline.remainingMilliseconds)) == .success
        let addresses = lookup.addresses.withLock { $0 }
        guard isDone, !addresses.isEmpty else { return .unknownHost }
        var last = ProbeFinding.unknownHost
        for (index, address) in addresses.enumerated() {
            let share = max(100, deadline.remainingMilliseconds / (addresses.count - index))
            last = Self.look(address, Deadline(milliseconds: share))
            if last == .listening { break }
        }
        return last
    }

    private static func addresses(_ host: String, _ port: UInt16) -> [Address] {
        var hints = addrinfo()
        // As the sockets, which do not use IPv6 unless told to.
        hints.ai_family = AF_INET
        hints.ai_socktype = streamType
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next?.pointee, addresses.count < addressesMax {
            if let address = entry.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
                addresses.append(Address(family: entry.ai_family, bytes: Array(bytes)))
            }
            next = entry.ai_next
        }
        return addresses
    }

    private static var streamType: Int32 {
        #if canImport(Darwin)
        SOCK_STREAM
        #elseif canImport(Musl)
        Int32(SOCK_STREAM)
        #else
        Int32(SOCK_STREAM.rawValue)
        #endif
    }

    private static func look(_ address: Address, _ deadline: Deadline) -> ProbeFinding {
        let descriptor = socket(address.family, streamType, 0)
        guard descriptor >= 0 else { return .unreachable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        let result = address.bytes.withUnsafeBytes { bytes in
            connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        if result != 0 {
            guard errno == EINPROGRESS else { return finding(errno) }
            guard wait(descriptor, Int16(POLLOUT), deadline) else { return .silent }
            var code: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
            guard code == 0 else { return finding(code) }
        }
        return introducesItself(descriptor, deadline) ? .listening : .foreign
    }

    private static func finding(_ code: Int32) -> ProbeFinding {
        switch code {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .silent
        default: .unreachable(String(cString: strerror(code)))
        }
    }

    private static func introducesItself(_ descriptor: Int32, _ deadline: Deadline) -> Bool {
        var bytes: [UInt8] = []
        while bytes.count < signatureBytes, wait(descriptor, Int16(POLLIN), deadline) {
            var piece = [UInt8](repeating: 0, count: signatureBytes - bytes.count)
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return false }
            bytes += piece.prefix(count)
        }
        return bytes.count == signatureBytes && bytes[0] == 0xFF && bytes[signatureBytes - 1] == 0x7F
    }

    private static func wait(_ descriptor: Int32, _ events: Int16, _ deadline: Deadline) -> Bool {
        while true {
            var ready = pollfd(fd: descriptor, events: events, revents: 0)
            let result = poll(&ready, 1, Int32(deadline.remainingMilliseconds))
            if result > 0 { return true }
            if result == 0 || errno != EINTR { return false }
        }
    }
}
