// FrameBox: a Frame with identity, so that frames can be kept in arrays and dictionaries, which hold no non-copyable
// values.

/// A frame that can be kept in a collection.
///
///     var waiting: [Int: FrameBox] = [:]
///     waiting[chunk] = FrameBox(frame)
///     waiting[chunk]?.withUnsafeMutableBytes { sum in add(other, to: sum) }
///
/// The box belongs to one thread at a time, like any class that is not `Sendable`.
public final class FrameBox {
    private var frame: Frame

    /// Puts a frame into a box.
    public init(_ frame: consuming Frame) {
        self.frame = frame
    }

    /// Number of bytes.
    public var count: Int { frame.count }

    /// Calls `body` with the bytes, which stay valid until it returns.
    public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frame.withUnsafeBytes(body)
    }

    /// Calls `body` with the bytes to change them in place. Bytes that were shared are copied first.
    public func withUnsafeMutableBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try frame.withUnsafeMutableBytes(body)
    }

    /// Calls `body` with the frame.
    public func withFrame<Result: ~Copyable, Failure: Error>(
        _ body: (inout Frame) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(&frame)
    }

    /// A frame with the same bytes in the same memory, for sending; the box keeps its own.
    public func share() -> Frame {
        frame.share()
    }

    /// Takes the frame out and leaves an empty one.
    public func take() -> Frame {
        var taken = Frame()
        swap(&taken, &frame)
        return taken
    }
}
