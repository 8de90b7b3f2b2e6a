// The cluster protocol as state machines without I/O: events in, actions out.
//
// Nothing in this module knows of sockets, clocks, files or arithmetic: the shells in `Server` and `Worker` feed events
// with the time they happened at, and carry out the actions. So the same code runs against a real network, in a test
// that scripts every event, and in a simulation.

/// A worker's connection, as the server names it. A restarted worker is another one.
public struct WorkerIdentifier: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The routing identity of the worker's connection.
    public let bytes: [UInt8]

    /// The worker behind a routing identity.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// By the bytes.
    public static func < (left: WorkerIdentifier, right: WorkerIdentifier) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }

    /// The bytes as text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
