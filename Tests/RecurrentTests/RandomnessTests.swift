// Initial weights and dropout masks.

import Numerics
import Recurrent
import Testing

@Suite("Random values")
struct RandomnessTests {
    @Test("initial weights have the distributions of PyTorch")
    func distributions() {
        let initial = InitialWeights(seed: 6)
        let uniform = initial.uniform(count: 40_001, bound: 0.25, tensor: 3)
        #expect(uniform.count == 40_001 && uniform.allSatisfy { $0 >= -0.25 && $0 < 0.25 })
        let uniformMoments = moments(uniform)
        #expect(abs(uniformMoments[0]) < 0.003)
        #expect(abs(uniformMoments[1] - 0.25 * 0.25 / 3) < 0.001)
        let normal = initial.normal(count: 40_001, tensor: 0)
        let moments = moments(normal)
        #expect(abs(moments[0]) < 0.02 && abs(moments[1] - 1) < 0.03)
        #expect(abs(moments[2]) < 0.08 && abs(moments[3] - 3) < 0.15)
        #expect(Array(initial.normal(count: 100, tensor: 0)) == Array(normal.prefix(100)))
        #expect(initial.uniform(count: 8, bound: 1, tensor: 1) != initial.uniform(count: 8, bound: 1, tensor: 2))
    }

    /// The means of the first four powers.
    private func moments(_ values: [Float]) -> [Double] {
        (1...4).map { power in
            var sum = 0.0
            for value in values {
                var product = 1.0
                for _ in 0..<power { product *= Double(value) }
                sum += product
            }
            return sum / Double(values.count)
        }
    }

    @Test("initial weights are the same bits on every machine and in every version")
    func knownBits() {
        let initial = InitialWeights(seed: 1)
        #expect(
            initial.uniform(count: 3, bound: 0.5, tensor: 1).map(\.bitPattern) == [
                3_181_745_328, 3_195_299_312, 1_053_421_940,
            ])
        #expect(initial.normal(count: 3, tensor: 0).map(\.bitPattern) == [1_072_413_172, 1_069_286_101, 1_061_459_016])
    }

    @Test("a mask belongs to shard, layer, time and sequence, not to the batch")
    func masks() {
        var inputs = GrowingBuffer<Float>()
        let key = DropoutKey(seed: 1 << 40 | 5, step: 17)
        func masks(_ shards: [Int], _ lengths: [[Int]], layer: Int = 0, key: DropoutKey) -> [[[Float]]] {
            let sequences = PackedSequences(shards: shards, lengths: lengths)
            let ones = inputs.matrix(rows: sequences.rows, columns: 33)
            ones.copy(from: [Float](repeating: 1, count: ones.count)[...])
            var dropout = Dropout<Float>(probability: 0.3, layer: layer)
            let masked = dropout.forward(ones, key: key, sequences: sequences)
            return sequences.shardRows.map { rows in rows.map { masked.rows(Int($0)..<Int($0) + 1).elements } }
        }
        let together = masks([2, 3, 4], [[5, 2], [4, 4], [6]], key: key)
        let alone = masks([3], [[4, 4]], key: key)
        #expect(together[1] == alone[0])
        #expect(Set(alone[0]).count == alone[0].count)
        #expect(masks([3], [[4, 4]], layer: 1, key: key) != alone)
        #expect(masks([3], [[4, 4]], key: DropoutKey(seed: key.seed, step: 18)) != alone)
        #expect(masks([5], [[4, 4]], key: key) != alone)
        let values = Set(together.joined().joined())
        #expect(values == [0, 1 / (1 - 0.3)])
        let all = Array(together.joined().joined())
        let kept = Double(all.filter { $0 > 0 }.count) / Double(all.count)
        #expect(abs(kept - 0.7) < 0.06)
    }
}
