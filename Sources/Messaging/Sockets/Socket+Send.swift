// Sending: one frame, a whole message, or a message to one peer of a router.

import CZeroMQ

extension Socket {
    /// Sends a frame, and waits while the peers' queues are full or, on a dealer, while there is no peer.
    ///
    /// - Parameter more: Whether further frames of the same message follow. A message goes out as a whole.
    /// - Throws: `.timedOut` after the options' `sendTimeoutMilliseconds`; `.hostUnreachable` on a router;
    /// `.terminated`.
    ///   The frame is gone in any case; use `trySend` to keep one that could not be sent.
    public func send(_ frame: consuming Frame, more: Bool = false) throws(MessagingError) {
        if let simulated = handle.simulated {
            guard try simulated.send(frame, more: more, waits: true) else { throw .timedOut(.sending) }
            return
        }
        let sent = try transmit(frame.message, flags: more ? ZMQ_SNDMORE : 0)
        if !sent { throw .timedOut(.sending) }
    }

    /// Sends a frame if that is possible without waiting.
    ///
    /// - Returns: Whether it was sent. If so, `frame` is left empty; if not, it is untouched.
    public func trySend(_ frame: inout Frame, more: Bool = false) throws(MessagingError) -> Bool {
        if let simulated = handle.simulated {
            guard try simulated.send(frame, more: more, waits: false) else { return false }
            frame = Frame()
            return true
        }
        return try transmit(frame.message, flags: ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0))
    }

    /// Sends all frames of `message`, in order, as one message. An empty list sends nothing.
    ///
    /// - Throws: As `send(_:more:)`.
    public func send(_ message: consuming FrameList) throws(MessagingError) {
        while let frame = message.popFirst() {
            try send(frame, more: !message.isEmpty)
        }
    }

    /// Sends all frames of `message` as one message if that is possible without waiting.
    ///
    /// - Returns: Whether they were sent. If so, `message` is left empty; if not, it is untouched.
    public func trySend(_ message: inout FrameList) throws(MessagingError) -> Bool {
        guard var frame = message.popFirst() else { return true }
        guard try trySend(&frame, more: !message.isEmpty) else {
            message.prepend(frame)
            return false
        }
        // Queues count whole messages, so after the first frame the others never wait.
        while let next = message.popFirst() {
            try send(next, more: !message.isEmpty)
        }
        return true
    }

    /// Sends `message` to one peer of a router.
    ///
    /// - Throws: As `send(_:more:)`; `.hostUnreachable` when the router does not know the peer.
    public func send(_ message: consuming FrameList, to peer: RoutingIdentifier) throws(MessagingError) {
        message.prepend(Frame(copying: peer.bytes))
        try send(message)
    }

    /// Sends one frame as a message to one peer of a router.
    ///
    /// - Throws: As `send(_:to:)`.
    public func send(_ frame: consuming Frame, to peer: RoutingIdentifier) throws(MessagingError) {
        try send(Frame(copying: peer.bytes), more: true)
        try send(frame)
    }

    /// Sends `message` to one peer of a router if that is possible without waiting.
    ///
    /// - Returns: Whether it was sent: `false` when the peer's queue is full. If sent, `message` is left empty; if not,
    ///   it is untouched.
    /// - Throws: `.hostUnreachable` when the router does not know the peer.
    public func trySend(_ message: inout FrameList, to peer: RoutingIdentifier) throws(MessagingError) -> Bool {
        guard !message.isEmpty else { return true }
        var name = Frame(copying: peer.bytes)
        guard try trySend(&name, more: true) else { return false }
        while let next = message.popFirst() {
            try send(next, more: !message.isEmpty)
        }
        return true
    }

    /// One call of the library, repeated after signals for no longer than the option's time limit.
    ///
    /// - Returns: `false` when it would have to wait (longer).
    private func transmit(
        _ message: UnsafeMutablePointer<zmq_msg_t>, flags: CInt
    ) throws(MessagingError) -> Bool {
        let socket = handle.raw
        var deadline: Deadline?
        while zmq_msg_send(message, socket, flags) < 0 {
            let error = LibraryError.last
            if error.wouldBlock { return false }
            guard error.isInterrupted else { throw error.typed(.sending) }
            // The library starts its time limit anew at each call: hold it to twice the limit in the worst case.
            guard let limit = sendTimeoutMilliseconds else { continue }
            if let deadline, deadline.remainingMilliseconds == 0 { return false }
            deadline = deadline ?? Deadline(milliseconds: limit)
        }
        return true
    }
}
