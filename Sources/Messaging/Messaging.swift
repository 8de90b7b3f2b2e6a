// The module's story: what Messaging owns, what it promises, and what it must never know.
//
// Messaging is ZeroMQ in Swift. It owns contexts, sockets, frames, polling, monitors and CURVE keys, and it is the only
// module that sees the C library. No C integer and no raw pointer leaves it; every failure is a `MessagingError`.
// It must never know what the bytes mean: headers, tensors, steps and workers belong to the modules above.
//
//     Context ──makes──▶ Socket ──sends, receives──▶ Frame, FrameList (a multipart message)
//        │                 ├──▶ Poller          waits for several sockets, with a deadline
//        │                 └──▶ SocketMonitor   tells of connections that come and go
//        ├──▶ WakeUpReceiver / WakeUp           another thread ends the wait
//        └──▶ CurveGate                         answers which public keys may come in
//
// Four rules carry the module.
//
// 1. One thread a socket. A `Socket` is non-copyable and belongs to the thread that made it. Any use from another
//    thread stops the process at once with a message, in release builds too: the check costs about a nanosecond, and
//    a socket used from two threads corrupts memory. Other threads speak to it through a `WakeUp`.
// 2. Bytes move once. A `Frame` is ZeroMQ's own message: received memory is handed out in place, memory of ours is sent
//    from where it lies, and `share()` gives the same bytes to many peers.
// 3. Everything has a limit: size of a frame, frames in a message, messages in a queue, time of a wait, linger.
// 4. Ending never hangs. See `Context` for the bound and for how it is kept.
