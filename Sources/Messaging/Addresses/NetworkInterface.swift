// The addresses of this machine.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An address of an interface of this machine.
struct NetworkInterface: Sendable {
    let name: String
    let address: NumericAddress

    /// All addresses of all interfaces that are up, in the system's order.
    static var all: [NetworkInterface] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: [NetworkInterface] = []
        var next = list
        while let entry = next?.pointee {
            if entry.ifa_flags & UInt32(IFF_UP) != 0, let address = entry.ifa_addr,
                let numeric = NumericAddress(address)
            {
                found.append(NetworkInterface(name: String(cString: entry.ifa_name), address: numeric))
            }
            next = entry.ifa_next
        }
        return found
    }
}
