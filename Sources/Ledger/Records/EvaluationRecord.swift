// A validation loss on record.

/// The weights of a version were evaluated on the validation data.
public struct EvaluationRecord: Codable, Equatable, Sendable {
    /// The version of the weights.
    public var version: Int
    /// The steps done; in synchronous training the version.
    public var step: Int
    /// The life that evaluated them.
    public var incarnation: UInt64
    /// Nats a token on the validation data.
    public var loss: Double
    /// The tokens that were predicted.
    public var tokens: Int

    /// A record.
    public init(version: Int, step: Int, incarnation: UInt64, loss: Double, tokens: Int) {
        self.version = version
        self.step = step
        self.incarnation = incarnation
        self.loss = loss
        self.tokens = tokens
    }
}
