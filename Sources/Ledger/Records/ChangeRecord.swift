// A key of the configuration that got another value in the midst of a run.

/// From this version of the weights on, a key of the configuration has another value. Stands right after the beginning
/// of a life, and of every life that begins at the same version.
public struct ChangeRecord: Codable, Equatable, Sendable {
    /// The version of the weights from which on it holds.
    public var version: Int
    /// The life that began with it.
    public var incarnation: UInt64
    /// The dotted key.
    public var key: String
    /// The value before.
    public var old: String
    /// The value from now on.
    public var new: String

    /// A record.
    public init(version: Int, incarnation: UInt64, key: String, old: String, new: String) {
        self.version = version
        self.incarnation = incarnation
        self.key = key
        self.old = old
        self.new = new
    }
}
