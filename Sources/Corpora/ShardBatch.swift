// One shard's part of a step, and which part of the lanes that is.

/// What one shard computes in one step: sequences of tokens and what is to be predicted at each place.
///
/// `inputs[i]` and `targets[i]` are of one length; the sequences are in order of falling length, so that those still
/// running at a time step are always the first ones. A shard may have no sequence: its gradient is then zero.
public struct ShardBatch: Sendable, Equatable {
    /// The tokens that are read: one array a sequence, one element a time step.
    public var inputs: [[Int32]]
    /// The tokens that are to be predicted, of the same shape.
    public var targets: [[Int32]]
    /// The lanes of a stream whose sequences these are, in order; `nil` for sequences that carry no state.
    public var lanes: Range<Int>?
    /// Whether hidden state starts from zero, rather than from where the lanes' last step left it.
    public var startsFresh: Bool

    /// Creates a batch.
    public init(inputs: [[Int32]], targets: [[Int32]], lanes: Range<Int>?, startsFresh: Bool) {
        self.inputs = inputs
        self.targets = targets
        self.lanes = lanes
        self.startsFresh = startsFresh
    }

    /// The number of predictions: what the sum of the losses is divided by.
    public var tokenCount: Int { targets.reduce(0) { $0 + $1.count } }

    /// An empty batch of sequences, to which ``append(line:of:endOfSequence:longest:)`` adds.
    init() { self.init(inputs: [], targets: [], lanes: nil, startsFresh: true) }

    /// Adds a line as an example: `<eos>` and the line are read, the line and `<eos>` are predicted, at most `longest`
    /// tokens of each.
    mutating func append(line: Int, of tokens: MappedTokens, endOfSequence: Int32, longest: Int) {
        let range = tokens.line(line)
        let length = min(range.count + 1, longest)
        let text = tokens.tokens(range.prefix(length))
        inputs.append([endOfSequence] + text.prefix(length - 1))
        targets.append(text.count < length ? text + [endOfSequence] : text)
    }
}

/// The lanes of one shard. The shards' ranges follow each other, and their sizes differ by at most one.
///
/// - Precondition: `shard` is one of `shards`, of which there is at least one.
public func shardRange(shard: Int, shards: Int, lanes: Int) -> Range<Int> {
    precondition(shard >= 0 && shard < shards, "no shard \(shard) among \(shards)")
    return (shard * lanes / shards)..<((shard + 1) * lanes / shards)
}
