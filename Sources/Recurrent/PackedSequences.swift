// Ragged sequences in time-major rows without padding.

import Numerics

/// The places of the positions of ragged sequences in packed rows, as in PyTorch's `PackedSequence`.
///
/// The sequences of all shards are stacked in descending order of length (equal lengths: by shard, then by place in the
/// shard). At time `t` the sequences that are longer than `t` are active: a prefix of that order. Their rows lie
/// together, those of `t = 0` first:
///
///     lengths 3, 2, 2, 1      rows  t=0: 0 1 2 3    t=1: 4 5 6    t=2: 7
///
/// Hidden states have a block of one row a sequence in front, the states before the first time: *state row*
/// `count + row` belongs to packed row `row`.
public struct PackedSequences: Sendable {
    /// One sequence, and where it comes from.
    public struct Sequence: Sendable, Equatable {
        /// The position of its shard in ``PackedSequences/shards``.
        public let shardPosition: Int
        /// Its place in the shard.
        public let index: Int
        /// The number of its time steps.
        public let length: Int
    }

    /// The indices of the shards.
    public let shards: [Int]
    /// The sequences in packed order.
    public let sequences: [Sequence]
    /// `offsets[t]` is the first row of time `t`; one more at the end gives the number of rows.
    public let offsets: [Int]
    /// For each shard, the packed position of each of its sequences.
    public let positions: [[Int]]
    /// For each shard its rows, ordered by time, then by place in the shard.
    public let shardRows: [[Int32]]

    /// The layout of the shards' sequences, whose lengths descend within a shard.
    public init(shards: [Int], lengths: [[Int]]) {
        precondition(shards.count == lengths.count, "\(shards.count) shards, lengths for \(lengths.count)")
        var sequences: [Sequence] = []
        for (position, shard) in lengths.enumerated() {
            precondition(zip(shard, shard.dropFirst()).allSatisfy(>=), "lengths of a shard descend")
            sequences += shard.indices.map { Sequence(shardPosition: position, index: $0, length: shard[$0]) }
        }
        sequences.sort { ($1.length, $0.shardPosition, $0.index) < ($0.length, $1.shardPosition, $1.index) }
        var positions = lengths.map { [Int](repeating: 0, count: $0.count) }
        for (position, sequence) in sequences.enumerated() {
            positions[sequence.shardPosition][sequence.index] = position
        }

        var offsets = [0]
        var active = sequences.count
        for time in 0..<(sequences.first?.length ?? 0) {
            while active > 0 && sequences[active - 1].length <= time { active -= 1 }
            offsets.append(offsets[time] + active)
        }
        var shardRows: [[Int32]] = []
        for (shard, lengths) in zip(positions, lengths) {
            var rows: [Int32] = []
            rows.reserveCapacity(lengths.reduce(0, +))
            for time in 0..<(lengths.first ?? 0) {
                for (position, length) in zip(shard, lengths) where length > time {
                    rows.append(Int32(offsets[time] + position))
                }
            }
            shardRows.append(rows)
        }
        (self.shards, self.sequences, self.offsets) = (shards, sequences, offsets)
        (self.positions, self.shardRows) = (positions, shardRows)
    }

    /// The number of sequences.
    public var count: Int { sequences.count }
    /// The number of time steps of the longest sequence.
    public var steps: Int { offsets.count - 1 }
    /// The number of packed rows: the sum of all lengths.
    public var rows: Int { offsets[steps] }
    /// The rows of one time step.
    public func rows(at time: Int) -> Range<Int> { offsets[time]..<offsets[time + 1] }
    /// The state rows that belong to the packed rows.
    public var stateRows: Range<Int> { count..<count + rows }

    /// The position of a shard in ``shards``.
    public func position(ofShard shard: Int) -> Int {
        guard let position = shards.firstIndex(of: shard) else {
            preconditionFailure("shard \(shard) is not in the batch of shards \(shards)")
        }
        return position
    }

    /// One value for each packed row, from one array of values for each sequence of each shard.
    public func pack(_ values: [[[Int32]]]) -> [Int32] {
        var packed = [Int32](repeating: 0, count: rows)
        for (position, sequence) in sequences.enumerated() {
            let tokens = values[sequence.shardPosition][sequence.index]
            precondition(tokens.count == sequence.length, "a sequence of \(tokens.count), not \(sequence.length)")
            for time in tokens.indices { packed[offsets[time] + position] = tokens[time] }
        }
        return packed
    }
}
