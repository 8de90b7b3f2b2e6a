// Frame: one part of a message: a block of bytes in memory that ZeroMQ and we share without copying.

import CZeroMQ

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One part of a message.
///
///     var frame = Frame(alignedByteCount: 1 << 20)                 // 1 MiB, sent from where it lies
///     frame.withUnsafeMutableBytes { bytes in fill(bytes) }
///     try socket.send(frame.share(), to: first)                    // the same bytes to two peers, no copy
///     try socket.send(frame, to: second)
///
/// A frame owns its bytes and frees them when it goes. Sending consumes it. It may move from thread to thread.
///
/// - Received bytes lie where the library put them, **at any alignment**: small frames inside a receive buffer, large
///   ones at 8 bytes. Call `align(to:)` before reading them as vectors; it copies only when it must.
/// - Shared bytes are copied on write: `withUnsafeMutableBytes` first makes a copy of its own of bytes that were
/// shared.
/// - Cost: one small allocation a frame, and the bytes; up to 33 bytes live in the small allocation.
public struct Frame: ~Copyable, Sendable {
    /// The library's message, at an address that never changes: short messages live inside it.
    nonisolated(unsafe) let message: UnsafeMutablePointer<zmq_msg_t>

    /// Whether more frames of the same message follow this received one.
    public package(set) var hasMore = false

    /// Takes over an initialized message.
    init(adopting message: UnsafeMutablePointer<zmq_msg_t>) {
        self.message = message
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// Gives the message away; the caller frees it.
    consuming func release() -> UnsafeMutablePointer<zmq_msg_t> {
        let message = message
        discard self
        return message
    }

    /// Number of bytes.
    public var count: Int { zmq_msg_size(message) }

    /// Whether there are no bytes.
    public var isEmpty: Bool { count == 0 }

    /// Calls `body` with the bytes, which stay valid until it returns.
    public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: count))
    }

    /// Calls `body` with the bytes to change them in place. Bytes that were shared are copied first.
    public mutating func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if isShared { replaceByAlignedCopy() }
        return try body(UnsafeMutableRawBufferPointer(start: zmq_msg_data(message), count: count))
    }

    /// A second frame with the same bytes in the same memory, for sending them to one more peer.
    ///
    /// The bytes are freed when the last of the frames has gone. Neither can be changed in place any more.
    public mutating func share() -> Frame {
        let copy = Frame()
        guard zmq_msg_copy(copy.message, message) == 0 else { fatalError("Frame.share: \(LibraryError.last.reason)") }
        return copy
    }

    /// Whether `share()` was called on this frame or made it, here or at an inproc sender.
    public var isShared: Bool { zmq_msg_get(message, ZMQ_SHARED) != 0 }

    /// Whether the first byte lies at a multiple of `alignment` bytes.
    public func isAligned(to alignment: Int) -> Bool {
        Int(bitPattern: zmq_msg_data(message)) % alignment == 0
    }

    /// Makes sure that the bytes begin at a multiple of `alignment` (at most 64), by copying them if they do not.
    ///
    /// - Returns: Whether the bytes were copied.
    @discardableResult
    public mutating func align(to alignment: Int = Frame.alignmentBytes) -> Bool {
        precondition(alignment > 0 && Frame.alignmentBytes % alignment == 0, "Frame.align: alignment must divide 64")
        if isAligned(to: alignment) { return false }
        replaceByAlignedCopy()
        return true
    }

    /// The bytes as an array.
    public func bytes() -> [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    /// The bytes as text, `nil` when they are not UTF-8.
    public func text() -> String? {
        withUnsafeBytes { String(validating: $0, as: UTF8.self) }
    }

    private mutating func replaceByAlignedCopy() {
        var copy = Frame(alignedByteCount: count)
        copy.hasMore = hasMore
        if count > 0 { memcpy(zmq_msg_data(copy.message), zmq_msg_data(message), count) }
        self = copy
    }
}
