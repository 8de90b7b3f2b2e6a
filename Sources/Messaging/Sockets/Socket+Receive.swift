// Receiving: one frame, a whole message, without waiting, or with a deadline.

import CZeroMQ

extension Socket {
    /// Receives a frame, and waits for it. `hasMore` says whether further frames of the same message follow; they are
    /// here already.
    ///
    /// - Throws: `.timedOut` after the options' `receiveTimeoutMilliseconds`; `.terminated`; `.unsupported`.
    public func receive() throws(MessagingError) -> Frame {
        guard let frame = try accept(flags: 0) else { throw .timedOut(.receiving) }
        return frame
    }

    /// Receives a frame if one is here.
    public func tryReceive() throws(MessagingError) -> Frame? {
        try accept(flags: ZMQ_DONTWAIT)
    }

    /// Receives a frame, waiting for it no longer than `milliseconds`.
    ///
    /// - Returns: `nil` when none came in time.
    public func receive(withinMilliseconds milliseconds: Int) throws(MessagingError) -> Frame? {
        let deadline = Deadline(milliseconds: milliseconds)
        while true {
            if let frame = try tryReceive() { return frame }
            let left = deadline.remainingMilliseconds
            if left == 0 { return nil }
            _ = try isReadable(withinMilliseconds: left)
        }
    }

    /// Receives all frames of a message, and waits for it.
    ///
    /// - Throws: As `receive()`; `.tooManyFrames` when there are more than the options' `frameCountMax`; the message is
    ///   then dropped, and the next call receives the next message.
    public func receiveMultipart() throws(MessagingError) -> FrameList {
        try rest(of: receive())
    }

    /// Receives all frames of a message if one is here.
    ///
    /// - Throws: As `receiveMultipart()`.
    public func tryReceiveMultipart() throws(MessagingError) -> FrameList? {
        guard let frame = try tryReceive() else { return nil }
        return try rest(of: frame)
    }

    /// Receives all frames of a message, waiting for it no longer than `milliseconds`.
    ///
    /// - Returns: `nil` when none came in time.
    public func receiveMultipart(withinMilliseconds milliseconds: Int) throws(MessagingError) -> FrameList? {
        guard let frame = try receive(withinMilliseconds: milliseconds) else { return nil }
        return try rest(of: frame)
    }

    /// Waits until a message is here.
    ///
    /// - Returns: `false` when none came within `milliseconds`.
    public func isReadable(withinMilliseconds milliseconds: Int) throws(MessagingError) -> Bool {
        var poller = Poller()
        let source = poller.add(self)
        return try poller.wait(milliseconds: milliseconds) && poller.events(of: source).contains(.readable)
    }

    /// The library hands frames over only when the whole message is here, so nothing below waits.
    private func rest(of head: consuming Frame) throws(MessagingError) -> FrameList {
        var hasMore = head.hasMore
        var message = FrameList(head)
        var count = 1
        while hasMore {
            let frame = try receive()
            hasMore = frame.hasMore
            count += 1
            if count <= frameCountMax { message.append(frame) }
        }
        guard count <= frameCountMax else { throw .tooManyFrames(limit: frameCountMax) }
        return message
    }

    /// One call of the library, repeated after signals for no longer than the option's time limit.
    ///
    /// - Returns: `nil` when it would have to wait (longer).
    private func accept(flags: CInt) throws(MessagingError) -> Frame? {
        if let simulated = handle.simulated { return try simulated.receive(waits: flags & ZMQ_DONTWAIT == 0) }
        let socket = handle.raw
        var frame = Frame()
        var deadline: Deadline?
        while zmq_msg_recv(frame.message, socket, flags) < 0 {
            let error = LibraryError.last
            if error.wouldBlock { return nil }
            guard error.isInterrupted else { throw error.typed(.receiving) }
            // The library starts its time limit anew at each call: hold it to twice the limit in the worst case.
            guard let limit = receiveTimeoutMilliseconds else { continue }
            if let deadline, deadline.remainingMilliseconds == 0 { return nil }
            deadline = deadline ?? Deadline(milliseconds: limit)
        }
        frame.hasMore = zmq_msg_more(frame.message) != 0
        return frame
    }
}
