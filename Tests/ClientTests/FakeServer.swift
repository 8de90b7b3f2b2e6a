// A server that says what a test wants it to say, on a thread of its own.

import Foundation
import Messaging
import Synchronization
import WireProtocol

/// A ROUTER on a free port of this machine. Each message that comes in is answered by what the script returns.
final class FakeServer: Sendable {
    /// An answer: a header's body and frames, or raw bytes instead of a header.
    enum Answer: Sendable {
        case body(WireHeader.OneOf_Body, frames: [[UInt8]] = [])
        case raw([UInt8])
    }

    let endpoint: Endpoint
    private let context: Context
    private let log: MessageLog

    /// What came in, in order.
    var messages: [WireHeader.OneOf_Body] { log.messages.withLock { $0 } }

    init(
        at endpoint: Endpoint = "tcp://127.0.0.1:*",
        _ script: @escaping @Sendable (_ message: WireHeader.OneOf_Body) -> [Answer]
    ) throws {
        let context = try Context()
        self.context = context
        let ready = DispatchSemaphore(value: 0)
        nonisolated(unsafe) var result: Result<Endpoint, MessagingError>?
        let log = MessageLog()
        self.log = log
        Thread.detachNewThread {
            do throws(MessagingError) {
                let socket = try Socket(.router, in: context)
                result = .success(try socket.bind(endpoint))
                ready.signal()
                while true {
                    var message = try socket.receiveMultipart()
                    guard let name = message.popFirst(), let head = message.popFirst() else { continue }
                    let peer = RoutingIdentifier(name)
                    guard let header = try? head.withUnsafeBytes({ try WireHeader.decode($0) }), let body = header.body
                    else { continue }
                    log.messages.withLock { $0.append(body) }
                    for answer in script(body) { try Self.send(answer, over: socket, to: peer) }
                }
            } catch {
                if result == nil {
                    result = .failure(error)
                    ready.signal()
                }
            }
        }
        ready.wait()
        guard let result else { throw MessagingError.terminated }
        self.endpoint = try result.get()
    }

    deinit { context.shutDown() }

    /// Ends the server: its port is free a moment later.
    func stop() { context.shutDown() }

    private static func send(
        _ answer: Answer, over socket: borrowing Socket, to peer: RoutingIdentifier
    ) throws(MessagingError) {
        var message = FrameList()
        switch answer {
        case .raw(let bytes): message.append(Frame(copying: bytes))
        case .body(let body, let frames):
            message.append(Frame(copying: WireHeader(run: "r", incarnation: 1, body: body).encoded()))
            for frame in frames { message.append(Frame(copying: frame)) }
        }
        try socket.send(message, to: peer)
    }
}

private final class MessageLog: Sendable {
    let messages = Mutex<[WireHeader.OneOf_Body]>([])
}
