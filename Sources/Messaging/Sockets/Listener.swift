// A port that is held open from one life of a server to the next.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A TCP socket that listens at a free port of this machine's loopback interface.
///
/// Whoever holds it hands its descriptor to one server process after the other (`SocketOptions.listener`). In between
/// nobody else can take the port, and connections wait until the next server is there.
public struct Listener: ~Copyable {
    /// Open for as long as this value lives; children inherit it only if it is handed to them.
    public let descriptor: Int32
    /// Where it listens.
    public let endpoint: Endpoint

    /// Listens at a port that the system chooses.
    ///
    /// - Throws: `.tooManySockets`, or `.unexpected` with the system's reason.
    public init() throws(MessagingError) {
        let descriptor = socket(AF_INET, Self.streamType, 0)
        guard descriptor >= 0 else {
            throw errno == EMFILE || errno == ENFILE ? .tooManySockets : Self.error()
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // A connection may be gone again before it is accepted: the library's thread must not wait for the next.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && listen(descriptor, SOMAXCONN) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard isListening else {
            let error = Self.error()
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        endpoint = Endpoint("tcp://127.0.0.1:\(UInt16(bigEndian: address.sin_port))")
    }

    deinit { close(descriptor) }

    /// Whether a descriptor is a socket that listens.
    public static func isListening(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0
    }

    private static func error() -> MessagingError { .unexpected(.binding, reason: String(cString: strerror(errno))) }

    private static var streamType: Int32 {
        #if canImport(Glibc)
        Int32(SOCK_STREAM.rawValue)
        #else
        SOCK_STREAM
        #endif
    }
}
