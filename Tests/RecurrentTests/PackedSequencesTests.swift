// The layout of ragged sequences, tokens and directions.

import Numerics
import Recurrent
import Testing

@Suite("Packed sequences")
struct PackedSequencesTests {
    /// Shards 4 (lengths 3, 1), 5 (none) and 7 (2, 2).
    private let sequences = PackedSequences(shards: [4, 5, 7], lengths: [[3, 1], [], [2, 2]])

    @Test("sequences of all shards are stacked by length, rows by time")
    func layout() {
        #expect(sequences.offsets == [0, 4, 7, 8])
        #expect(sequences.positions == [[0, 3], [], [1, 2]])
        #expect(sequences.shardRows == [[0, 3, 4, 7], [], [1, 2, 5, 6]])
        #expect(sequences.count == 4 && sequences.steps == 3 && sequences.rows == 8)
        #expect(sequences.pack([[[1, 2, 3], [4]], [], [[5, 6], [7, 8]]]) == [1, 5, 7, 4, 2, 6, 8, 3])
    }

    @Test("forward in time the previous states are those of the step before")
    func forward() {
        #expect(sequences.segments(.forward).map(\.rows) == [0..<4, 4..<7, 7..<8])
        #expect(sequences.segments(.forward).map(\.previous) == [0..<4, 4..<7, 8..<9])
        #expect(sequences.previousStateRows(.forward) == [[0, 3, 4, 8], [], [1, 2, 5, 6]])
        #expect((0..<4).map { sequences.finalStateRow(.forward, position: $0) } == [11, 9, 10, 7])
    }

    @Test("in reverse shorter sequences enter on the way")
    func reverse() {
        let segments = sequences.segments(.reverse)
        #expect(segments.map(\.rows) == [7..<8, 4..<5, 5..<7, 0..<3, 3..<4])
        #expect(segments.map(\.previous) == [0..<1, 11..<12, 1..<3, 8..<11, 3..<4])
        #expect(segments.map(\.isFirst) == [true, false, true, false, true])
        #expect(sequences.previousStateRows(.reverse) == [[8, 3, 11, 0], [], [9, 10, 1, 2]])
        #expect((0..<4).map { sequences.finalStateRow(.reverse, position: $0) } == [4, 5, 6, 7])
    }

    @Test("an empty batch has no rows")
    func empty() {
        let empty = PackedSequences(shards: [0], lengths: [[]])
        #expect(
            empty.rows == 0 && empty.steps == 0 && empty.segments(.forward).isEmpty && empty.segments(.reverse).isEmpty)
        #expect(PackedSequences(shards: [3], lengths: [[0, 0]]).finalStateRow(.reverse, position: 1) == 1)
    }

    @Test("distinct tokens ascend, for the batch and for each shard")
    func tokens() {
        let packed: [Int32] = [6, 2, 2, 9, 6, 0, 2, 6]
        let tokens = DistinctTokens(packed: packed, sequences: sequences, vocabulary: 10)
        #expect(tokens.tokens == [0, 2, 6, 9])
        #expect(tokens.slots.map { tokens.tokens[Int($0)] } == packed)
        #expect(tokens.shardTokens == [[6, 9], [], [0, 2]])
        #expect(tokens.shardSlots == [[0, 1, 0, 0], [], [3, 3, 2, 3]])
        #expect(tokens.shardOffsets == [0, 2, 2, 4])
    }
}
