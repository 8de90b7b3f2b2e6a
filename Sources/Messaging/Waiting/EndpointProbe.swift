// Why a connection does not come about: a look at an endpoint with plain TCP.

import Platform

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
    /// Something takes connections, and introduces itself otherwise than ZeroMQ does.
    case foreign
    /// Something takes connections, and says nothing: a supervisor may hold the port until its server is there again.
    case mute
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
        case .mute:
            "what listens at \(endpoint) says nothing: a server that is being restarted, or hangs, or none of ours"
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

    func look(host: String, port: UInt16) -> ProbeFinding {
        let addresses = HostLookup.addresses(host, port: port, by: deadline)
        guard !addresses.isEmpty else { return .unknownHost }
        var first: ProbeFinding?
        for (index, address) in addresses.enumerated() {
            let share = max(100, deadline.remainingMilliseconds / (addresses.count - index))
            let finding = Self.look(address, Deadline(milliseconds: share))
            if finding == .listening { return finding }
            // IPv4 is tried first by the sockets; what is found there counts.
            if first == nil || address.family == AF_INET { first = finding }
        }
        return first ?? .unknownHost
    }

    private static func look(_ address: SocketAddress, _ deadline: Deadline) -> ProbeFinding {
        let descriptor = socket(address.family, HostLookup.streamType, 0)
        guard descriptor >= 0 else { return .unreachable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let failure = address.connect(descriptor, by: deadline)
        guard failure == 0 else { return finding(failure) }
        return introduction(descriptor, deadline)
    }

    private static func finding(_ code: Int32) -> ProbeFinding {
        switch code {
        case ECONNREFUSED: .refused
        case ETIMEDOUT: .silent
        default: .unreachable(String(cString: strerror(code)))
        }
    }

    private static func introduction(_ descriptor: Int32, _ deadline: Deadline) -> ProbeFinding {
        var bytes: [UInt8] = []
        while bytes.count < signatureBytes {
            guard wait(descriptor, Int16(POLLIN), deadline) else { return bytes.isEmpty ? .mute : .foreign }
            var piece = [UInt8](repeating: 0, count: signatureBytes - bytes.count)
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { return .foreign }
            bytes += piece.prefix(count)
        }
        return bytes[0] == 0xFF && bytes[signatureBytes - 1] == 0x7F ? .listening : .foreign
    }
}

extension SocketAddress {
    /// Whether somebody takes a connection there.
    func takesConnections(by deadline: Deadline) -> Bool {
        let descriptor = socket(family, HostLookup.streamType, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return connect(descriptor, by: deadline) == 0
    }

    /// Connects a new socket.
    ///
    /// - Returns: 0, or the `errno`; `ETIMEDOUT` when nobody answers by the deadline.
    fileprivate func connect(_ descriptor: Int32, by deadline: Deadline) -> Int32 {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        let result = bytes.withUnsafeBytes { bytes in
            systemConnect(
                descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        guard result != 0 else { return 0 }
        guard errno == EINPROGRESS else { return errno }
        guard wait(descriptor, Int16(POLLOUT), deadline) else { return ETIMEDOUT }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return code
    }
}

private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> Int32 {
    connect(descriptor, address, length)
}

private func wait(_ descriptor: Int32, _ events: Int16, _ deadline: Deadline) -> Bool {
    while true {
        var ready = pollfd(fd: descriptor, events: events, revents: 0)
        let result = poll(&ready, 1, Int32(deadline.remainingMilliseconds))
        if result > 0 { return true }
        if result == 0 || errno != EINTR { return false }
    }
}
