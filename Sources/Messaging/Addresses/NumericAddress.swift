// An IPv4 or IPv6 address in numbers.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An IPv4 or IPv6 address. A name such as `127.example.org` is none, and neither is `127.1`.
struct NumericAddress: Sendable, Equatable {
    /// 4 or 16 bytes.
    let bytes: [UInt8]
    /// As it is written in an endpoint, with the zone of a link-local one.
    let text: String

    var isIPv6: Bool { bytes.count == 16 }
    var isLoopback: Bool {
        isIPv6 ? bytes == [UInt8](repeating: 0, count: 15) + [1] : bytes[0] == 127
    }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    /// fe80::/10 and 169.254.0.0/16: reached over one link only.
    var isLinkLocal: Bool {
        isIPv6 ? bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 : bytes[0] == 169 && bytes[1] == 254
    }

    init?(_ text: some StringProtocol) {
        self.text = String(text)
        let numbers = text.prefix { $0 != "%" }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET6, String(numbers), &bytes) == 1 {
            self.bytes = bytes
        } else if numbers.count == text.count, inet_pton(AF_INET, String(text), &bytes) == 1 {
            self.bytes = Array(bytes.prefix(4))
        } else {
            return nil
        }
    }

    /// The address of a socket; `nil` for other families.
    init?(_ address: UnsafePointer<sockaddr>) {
        let isIPv6 = address.pointee.sa_family == sa_family_t(AF_INET6)
        guard isIPv6 || address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        // Writes the zone, too.
        guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
            return nil
        }
        self.init(String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}
