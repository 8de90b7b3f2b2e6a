// Which tokens occur in a batch, and where.

import Numerics

/// The distinct tokens of a batch, as a whole and shard by shard.
///
/// A layer that reads an embedding multiplies its weights with the *distinct* rows only and then copies the products to
/// the positions: with 65 characters in 4,096 positions that is 1/63 of the work, and no bit of the forward pass
/// changes. Backwards, a shard's gate gradients are first summed token by token, positions in ascending order, and
/// everything below works on these sums. That is how the shard's gradient is *defined*, whatever the span.
public struct DistinctTokens: Sendable {
    /// The tokens of the batch, ascending.
    public let tokens: [Int32]
    /// For each packed row, the place of its token in ``tokens``.
    public let slots: [Int32]
    /// For each shard its tokens, ascending.
    public let shardTokens: [[Int32]]
    /// For each shard, in the order of its rows, the place of the row's token in *all* shards' tokens one after
    /// another.
    public let shardSlots: [[Int32]]
    /// Where each shard's tokens begin when all shards' tokens stand one after another; one more at the end.
    public let shardOffsets: [Int]

    /// The tokens in packed rows; each is in `0..<vocabulary`.
    public init(packed: [Int32], sequences: PackedSequences, vocabulary: Int) {
        var place = [Int32](repeating: -1, count: vocabulary)
        /// Sorts the distinct tokens and leaves the place of each in `place`.
        func distinct(_ count: Int, first: Int, _ token: (Int) -> Int32) -> [Int32] {
            var found: [Int32] = []
            for index in 0..<count {
                let token = token(index)
                precondition(token >= 0 && Int(token) < vocabulary, "token \(token) of \(vocabulary)")
                if place[Int(token)] < 0 {
                    place[Int(token)] = 0
                    found.append(token)
                }
            }
            found.sort()
            for (index, token) in found.enumerated() { place[Int(token)] = Int32(first + index) }
            return found
        }
        tokens = distinct(packed.count, first: 0) { packed[$0] }
        slots = packed.map { place[Int($0)] }
        for token in tokens { place[Int(token)] = -1 }

        var (shardTokens, shardSlots, shardOffsets): ([[Int32]], [[Int32]], [Int]) = ([], [], [0])
        for rows in sequences.shardRows {
            let found = distinct(rows.count, first: shardOffsets[shardOffsets.count - 1]) { packed[Int(rows[$0])] }
            shardTokens.append(found)
            shardSlots.append(rows.map { place[Int(packed[Int($0)])] })
            shardOffsets.append(shardOffsets[shardOffsets.count - 1] + found.count)
            for token in found { place[Int(token)] = -1 }
        }
        (self.shardTokens, self.shardSlots, self.shardOffsets) = (shardTokens, shardSlots, shardOffsets)
    }

    /// The number of all shards' tokens, each shard's counted for itself.
    public var shardTokenCount: Int { shardOffsets[shardOffsets.count - 1] }
    /// The places of each shard's tokens among all shards' tokens.
    var shardPlaces: [[Int32]] {
        shardTokens.indices.map { shardRange($0).map(Int32.init) }
    }
    /// Where one shard's tokens stand among all shards' tokens.
    public func shardRange(_ position: Int) -> Range<Int> { shardOffsets[position]..<shardOffsets[position + 1] }
}

/// What a recurrent layer reads at every position.
public enum LayerInput<Scalar: BitwiseCopyable> {
    /// One row of features for each packed row: `[rows, inputSize]`.
    case rows(Matrix<Scalar>)
    /// A row of an embedding `[vocabulary, inputSize]`, chosen by the token of each packed row.
    case tokens(DistinctTokens, embedding: Matrix<Scalar>)

    /// The number of rows that the gradient of the input has: one for each packed row, or for each shard's tokens.
    public func gradientRows(_ sequences: PackedSequences) -> Int {
        switch self {
        case .rows: sequences.rows
        case .tokens(let tokens, embedding: _): tokens.shardTokenCount
        }
    }
}
