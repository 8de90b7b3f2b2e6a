// LibraryError: the C library's error numbers, translated to MessagingError in one place.

import CZeroMQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The error number that the C library left behind on this thread.
struct LibraryError: Equatable {
    private let code: CInt

    /// Reads the number of the call that has just failed; call it before anything else.
    static var last: LibraryError { LibraryError(code: zmq_errno()) }

    /// The number that a monitor event carries.
    init(code: CInt) {
        self.code = code
    }

    var isInterrupted: Bool { code == EINTR }
    var wouldBlock: Bool { code == EAGAIN }
    var isInvalidArgument: Bool { code == EINVAL }

    /// The library's words for it.
    var reason: String { String(cString: zmq_strerror(code)) }

    /// The typed error for a call that names no endpoint.
    func typed(_ activity: MessagingActivity) -> MessagingError {
        switch code {
        case EAGAIN: .timedOut(activity)
        case EHOSTUNREACH: .hostUnreachable
        case czeromq_error_terminated: .terminated
        case EMFILE, ENFILE: .tooManySockets
        case ENOTSUP, czeromq_error_wrong_state: .unsupported(activity)
        case ENOMEM: .outOfMemory
        default: .unexpected(activity, reason: reason)
        }
    }

    /// The typed error for a call that names an endpoint.
    func typed(_ activity: MessagingActivity, at endpoint: Endpoint) -> MessagingError {
        switch code {
        case EADDRINUSE: .addressInUse(endpoint)
        // The library says "try again" of names that it cannot look up.
        case EADDRNOTAVAIL, ENODEV, EAGAIN: .addressUnavailable(endpoint)
        case EINVAL, EPROTONOSUPPORT, czeromq_error_incompatible_transport, czeromq_error_no_io_thread:
            .invalidEndpoint(endpoint)
        case EACCES, EPERM: .permissionDenied(endpoint)
        case ECONNREFUSED: .refused(endpoint)
        case ENOENT: .notAttached(endpoint)
        default: typed(activity)
        }
    }
}

/// Repeats a call of the library for as long as a signal interrupts it.
func retryOnInterrupt(_ call: () -> CInt) -> CInt {
    while true {
        let result = call()
        if result != -1 || !LibraryError.last.isInterrupted { return result }
    }
}
