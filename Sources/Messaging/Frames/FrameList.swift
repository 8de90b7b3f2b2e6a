// FrameList: the frames of one multipart message, in order.

import CZeroMQ

/// A multipart message: frames in order, sent and received as a whole.
///
///     var message = FrameList()
///     message.append(Frame(copying: header))
///     message.append(tensor)
///     try socket.send(message)
///
/// The list owns its frames. They are taken out from the front, in order, each at constant cost.
public struct FrameList: ~Copyable, Sendable {
    /// Owned messages; those before `first` were taken out.
    nonisolated(unsafe) private var messages: [UnsafeMutablePointer<zmq_msg_t>] = []
    private var first = 0

    /// An empty list.
    public init() {}

    /// A list of one frame.
    public init(_ frame: consuming Frame) {
        append(frame)
    }

    deinit {
        for message in messages[first...] { _ = Frame(adopting: message) }
    }

    /// Number of frames.
    public var count: Int { messages.count - first }

    /// Whether there are no frames.
    public var isEmpty: Bool { count == 0 }

    /// Sum of the bytes of all frames.
    public var byteCount: Int {
        messages[first...].reduce(0) { $0 + zmq_msg_size($1) }
    }

    /// Adds a frame at the end.
    public mutating func append(_ frame: consuming Frame) {
        messages.append(frame.release())
    }

    /// Puts a frame at the front. Costs a move of the whole list unless a frame was taken from the front before.
    public mutating func prepend(_ frame: consuming Frame) {
        if first > 0 {
            first -= 1
            messages[first] = frame.release()
        } else {
            messages.insert(frame.release(), at: 0)
        }
    }

    /// Takes the first frame out; `nil` when there is none.
    public mutating func popFirst() -> Frame? {
        guard first < messages.count else { return nil }
        defer { first += 1 }
        var frame = Frame(adopting: messages[first])
        frame.hasMore = first + 1 < messages.count
        return frame
    }

    /// Number of bytes of the frame at `index`, counted from the present front.
    public func byteCount(at index: Int) -> Int {
        zmq_msg_size(message(at: index))
    }

    /// Calls `body` with the bytes of the frame at `index`, counted from the present front.
    public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
        at index: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let message = message(at: index)
        return try body(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message)))
    }

    /// A second list with the same bytes in the same memory, for sending the message to one more peer.
    public mutating func share() -> FrameList {
        var copy = FrameList()
        copy.messages.reserveCapacity(count)
        for index in first..<messages.count {
            var frame = Frame(adopting: messages[index])
            copy.append(frame.share())
            _ = frame.release()
        }
        return copy
    }

    private func message(at index: Int) -> UnsafeMutablePointer<zmq_msg_t> {
        precondition(index >= 0 && index < count, "FrameList: index \(index) of \(count) frames")
        return messages[first + index]
    }
}
