// MessagingError: everything that can go wrong between this process and its peers, as one typed value.

/// What a call was about to do when it failed; names the activity in an error's description.
public enum MessagingActivity: String, Sendable, Equatable {
    /// Making a context.
    case creatingContext = "create a messaging context"
    /// Making a socket.
    case creatingSocket = "create a socket"
    /// Binding a socket to an endpoint.
    case binding = "bind"
    /// Connecting a socket to an endpoint.
    case connecting = "connect"
    /// Taking a binding or a connection back.
    case detaching = "detach from an endpoint"
    /// Sending a frame.
    case sending = "send"
    /// Receiving a frame.
    case receiving = "receive"
    /// Waiting for several sockets.
    case polling = "wait for sockets"
    /// Setting or reading an option of a socket.
    case configuring = "configure a socket"
    /// Starting to watch a socket's connections.
    case monitoring = "monitor a socket"
    /// Making or checking a key.
    case handlingKeys = "handle an encryption key"
}

/// A failure of the messaging layer.
///
/// No case is a sign of a broken program: each one can follow from a configuration, a peer or the network, so each one
/// carries what a user needs to act.
public enum MessagingError: Error, Equatable, Sendable {
    /// Another process, or another socket of this one, already listens at the endpoint.
    case addressInUse(Endpoint)
    /// The endpoint names no address of this machine.
    case addressUnavailable(Endpoint)
    /// The name in the endpoint is neither a known host's nor that of an interface of this machine.
    case unknownHost(Endpoint)
    /// The endpoint cannot be understood, or its transport does not suit the socket.
    case invalidEndpoint(Endpoint)
    /// The operating system does not allow this process to use the endpoint (ports below 1024, for example).
    case permissionDenied(Endpoint)
    /// Nobody listens at the endpoint.
    case refused(Endpoint)
    /// The socket is not attached to the endpoint that should be detached.
    case notAttached(Endpoint)
    /// The router knows no peer of this routing identifier, or the peer has gone.
    case hostUnreachable
    /// The socket's own time limit passed; nothing was sent or received.
    case timedOut(MessagingActivity)
    /// The context was shut down; the socket can only be closed.
    case terminated
    /// The context's limit of sockets, or the process's limit of open files, is reached.
    case tooManySockets
    /// A message had more frames than the socket accepts; the whole message was dropped.
    case tooManyFrames(limit: Int)
    /// This kind of socket cannot do that: a publisher does not receive.
    case unsupported(MessagingActivity)
    /// An option has a value that the library refuses.
    case invalidOption(String)
    /// The installed ZeroMQ library was built without CURVE.
    case encryptionUnavailable
    /// A key is not the 40 characters of a CURVE key.
    case malformedKey(reason: String)
    /// A routing identifier is empty, longer than 255 bytes, or begins with a zero byte.
    case invalidRoutingIdentifier
    /// The library could not take the memory it needs.
    case outOfMemory
    /// Anything else, in the words of the library.
    case unexpected(MessagingActivity, reason: String)
}

extension MessagingError: CustomStringConvertible {
    /// What happened and what to do about it, in one line.
    public var description: String {
        switch self {
        case .addressInUse(let endpoint):
            "cannot listen at \(endpoint): the address is in use; stop the other process or choose another port"
        case .addressUnavailable(let endpoint):
            "cannot listen at \(endpoint): no such address on this machine; give an address of it, an interface's "
                + "name, or *"
        case .unknownHost(let endpoint):
            "\(endpoint): no host and no interface of the name \(endpoint.host) is known; give a numeric address, or *"
        case .invalidEndpoint(let endpoint):
            "\(endpoint) is not a valid endpoint: "
                + (endpoint.problem(for: .binding) ?? "expected something like tcp://192.0.2.1:5555")
        case .permissionDenied(let endpoint):
            "not allowed to use \(endpoint); choose a port of 1024 or above"
        case .refused(let endpoint):
            "nobody listens at \(endpoint)"
        case .notAttached(let endpoint):
            "the socket is not attached to \(endpoint)"
        case .hostUnreachable:
            "the peer is not connected"
        case .timedOut(let activity):
            "could not \(activity.rawValue) within the time limit"
        case .terminated:
            "the messaging context was shut down"
        case .tooManySockets:
            "too many sockets or open files; raise the limit of open files (ulimit -n)"
        case .tooManyFrames(let limit):
            "a message had more than \(limit) frames and was dropped"
        case .unsupported(let activity):
            "this kind of socket cannot \(activity.rawValue)"
        case .invalidOption(let name):
            "the socket option '\(name)' has a value that the messaging library refuses"
        case .encryptionUnavailable:
            "the installed ZeroMQ library has no CURVE encryption; install one that was built with libsodium"
        case .malformedKey(let reason):
            "not a CURVE key: \(reason)"
        case .invalidRoutingIdentifier:
            "a routing identifier needs 1 to 255 bytes and must not begin with a zero byte"
        case .outOfMemory:
            "out of memory in the messaging library"
        case .unexpected(let activity, let reason):
            "could not \(activity.rawValue): \(reason)"
        }
    }
}
