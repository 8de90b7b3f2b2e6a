// How a Frame comes by its memory: taken from the library, aligned and owned, or lent by someone who is told when it is
// free again.

import CZeroMQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension Frame {
    /// The alignment of frames made by `init(alignedByteCount:)`: a cache line, and the widest vector.
    public static let alignmentBytes = 64

    /// An empty frame.
    public init() {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        zmq_msg_init(message)
        self.init(adopting: message)
    }

    /// A frame of `byteCount` bytes whose content is undefined until written. For headers and other small frames.
    public init(byteCount: Int) {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        guard zmq_msg_init_size(message, byteCount) == 0 else {
            fatalError("Frame: no memory for \(byteCount) bytes")
        }
        self.init(adopting: message)
    }

    /// A frame with a copy of `bytes`.
    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        write(bytes)
    }

    /// A frame with a copy of `bytes`.
    public init(copying bytes: [UInt8]) {
        self.init(byteCount: bytes.count)
        bytes.withUnsafeBytes { write($0) }
    }

    /// A frame with a copy of the UTF-8 bytes of `text`.
    public init(copying text: String) {
        var text = text
        self.init(byteCount: text.utf8.count)
        text.withUTF8 { write(UnsafeRawBufferPointer($0)) }
    }

    /// A frame that owns `alignedByteCount` bytes at a multiple of 64 and is sent from there. The content is undefined
    /// until written. For tensors.
    public init(alignedByteCount: Int) {
        precondition(alignedByteCount >= 0, "Frame: negative size")
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, Frame.alignmentBytes, max(1, alignedByteCount)) == 0, let memory else {
            fatalError("Frame: no memory for \(alignedByteCount) bytes")
        }
        self.init(data: memory, count: alignedByteCount, hint: nil) { memory, _ in free(memory) }
    }

    /// A frame whose bytes are lent: they are sent from where they lie, and `release` is called **exactly once** when
    /// neither a frame nor the library needs them any more.
    ///
    /// Until then nobody may write to the memory. `release` runs on whichever thread lets go last, usually the
    /// library's I/O thread: it must be short and must not use sockets.
    public init(lending memory: UnsafeMutableRawBufferPointer, release: @escaping @Sendable () -> Void) {
        let loan = Unmanaged.passRetained(Loan(release: release))
        // The library wants an address even for no bytes.
        let data = memory.baseAddress ?? loan.toOpaque()
        self.init(data: data, count: memory.count, hint: loan.toOpaque()) { _, hint in
            if let hint { Unmanaged<Loan>.fromOpaque(hint).takeRetainedValue().release() }
        }
    }

    /// A frame with the same bytes in the same memory that calls `release` **exactly once** when neither a frame nor
    /// the library needs it any more: how a sender learns that a message has left.
    ///
    /// `release` runs on whichever thread lets go last, as in `init(lending:release:)`.
    public consuming func notifying(_ release: @escaping @Sendable () -> Void) -> Frame {
        // The message stays at its address, and with it the bytes of a short one.
        nonisolated(unsafe) let message = self.release()
        let bytes = UnsafeMutableRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))
        return Frame(lending: bytes) {
            _ = Frame(adopting: message)
            release()
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) {
        if let source = bytes.baseAddress, bytes.count > 0 { memcpy(zmq_msg_data(message), source, bytes.count) }
    }

    private init(
        data: UnsafeMutableRawPointer, count: Int, hint: UnsafeMutableRawPointer?,
        free: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Void
    ) {
        let message = UnsafeMutablePointer<zmq_msg_t>.allocate(capacity: 1)
        guard zmq_msg_init_data(message, data, count, free, hint) == 0 else {
            fatalError("Frame: no memory for a message")
        }
        self.init(adopting: message)
    }
}

/// Carries the release closure of lent memory through the library.
private final class Loan: Sendable {
    let release: @Sendable () -> Void

    init(release: @escaping @Sendable () -> Void) {
        self.release = release
    }
}
