// A peer without a library: bytes over TCP, and as much of ZMTP 3.0 as it takes to be let in.

import Foundation

/// A TCP connection to this machine. Every wait is bounded.
final class RawPeer: Sendable {
    private let descriptor: Int32

    init(_ endpoint: String) throws {
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw POSIXError(.EINVAL) }
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw POSIXError(.ECONNREFUSED)
        }
    }

    deinit { close(descriptor) }

    /// Sends all bytes; `false` when the other end has closed, or takes nothing for 5 s.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Exactly so many bytes; `nil` if they do not come within 5 s.
    func receive(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let got = bytes[have...].withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard got > 0 else { return nil }
            have += got
        }
        return bytes
    }

    // MARK: - ZMTP

    static let greeting: [UInt8] =
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array("NULL".utf8) + [UInt8](repeating: 0, count: 48)

    static let ready: [UInt8] = {
        func property(_ name: String, _ value: String) -> [UInt8] {
            [UInt8(name.utf8.count)] + Array(name.utf8) + [0, 0, 0, UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let body = [5] + Array("READY".utf8) + property("Socket-Type", "DEALER") + property("Identity", "")
        return [4, UInt8(body.count)] + body
    }()

    /// A frame of a message.
    static func frame(_ body: [UInt8], more: Bool = false) -> [UInt8] {
        let flag: UInt8 = more ? 1 : 0
        guard body.count > 255 else { return [flag, UInt8(body.count)] + body }
        return [flag | 2] + (0..<8).map { UInt8(truncatingIfNeeded: body.count >> (56 - 8 * $0)) } + body
    }

    /// Introduces itself, and hears the other end do so.
    func greet() -> Bool {
        guard send(Self.greeting), receive(64) != nil, send(Self.ready), let head = receive(2), head[0] == 4 else {
            return false
        }
        return receive(Int(head[1])) != nil
    }

    /// The next frame.
    func receiveFrame() -> [UInt8]? {
        guard let flags = receive(1)?.first else { return nil }
        guard flags & 2 != 0 else { return receive(1).flatMap { receive(Int($0[0])) } }
        return receive(8).flatMap { receive($0.reduce(0) { $0 << 8 | Int($1) }) }
    }
}
