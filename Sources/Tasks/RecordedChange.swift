// A key of the configuration that got another value in the midst of a run.

/// A key that has another value from a step on.
public struct RecordedChange: Codable, Sendable, Equatable {
    /// The steps that were done with the old value.
    public var step: Int
    /// The dotted key.
    public var key: String
    /// The value of the steps before.
    public var old: String
    /// The value from then on.
    public var new: String

    /// A change.
    public init(step: Int, key: String, old: String, new: String) {
        self.step = step
        self.key = key
        self.old = old
        self.new = new
    }
}
