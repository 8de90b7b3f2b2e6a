// The seam at which a simulation takes the place of the library and of the network.

import Platform

/// A simulated process that can talk: its `Context` makes these sockets instead of the library's.
package protocol SimulatedMessaging: SimulatedProcess {
    /// Makes a socket.
    func openSocket(_ kind: SocketKind) throws(MessagingError) -> any SimulatedSocket
}

/// One end of simulated connections, with the library's promises: a dealer connects in the background and keeps its
/// messages until then, messages on a broken connection are lost, order is kept on a connection.
package protocol SimulatedSocket: AnyObject {
    /// Takes the options, before anything else.
    func configure(_ options: SocketOptions)
    /// Listens.
    func bind(_ endpoint: Endpoint) throws(MessagingError) -> Endpoint
    /// Begins to connect.
    func connect(_ endpoint: Endpoint) throws(MessagingError)
    /// A socket that receives the events of this one's connections.
    func monitor() throws(MessagingError) -> any SimulatedSocket
    /// Sends a frame of a message; `false` if it would have to wait (longer than the options say) and was not sent.
    func send(_ frame: borrowing Frame, more: Bool, waits: Bool) throws(MessagingError) -> Bool
    /// The next frame; `nil` if it would have to wait (longer than the options say).
    func receive(waits: Bool) throws(MessagingError) -> Frame?
    /// Whether a frame can be received at once.
    var isReadable: Bool { get }
    /// Lets time pass until one of these sockets of the same process is readable; `false` if none is in time.
    func wait(for sockets: [any SimulatedSocket], milliseconds: Int) throws(MessagingError) -> Bool
    /// Closes the socket.
    func close()
}

extension MonitorEvent {
    /// The frames in which the library, and a simulation, reports that a connection was made or lost.
    package static func frames(isConnected: Bool, endpoint: Endpoint) -> [[UInt8]] {
        let code = UInt16(isConnected ? handshakeSucceededCode : disconnectedCode)
        let header = withUnsafeBytes(of: code) { Array($0) } + [0, 0, 0, 0]
        return [header, Array(endpoint.text.utf8)]
    }
}
