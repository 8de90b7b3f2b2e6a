// The bits of whole trainings.

import Numerics
import Optimization
import Recurrent
import Testing

@Suite("Digests")
struct DigestTests {
    /// These change only when the definition of the arithmetic does. Run the tests with each `RONDO_ISA` to see that
    /// all instruction sets agree.
    @Test(
        "the weights after five steps have the same bits on every machine and instruction set",
        arguments: zip(
            allCells,
            [
                17_383_856_557_847_572_869, 14_266_772_083_286_421_532, 17_803_401_133_991_961_893,
                1_643_199_548_003_147_098,
            ] as [UInt64]))
    func knownBits(cell: CellKind, expected: UInt64) {
        let digest = digestAfterFiveSteps(cell, .single)
        #expect(digest == expected, "\(cell): the digest is \(digest)")
    }

    /// All sets agree as long as no number becomes subnormal, which the instruction of `avx512bf16` takes for zero.
    @Test(
        "so have they with products in bfloat16",
        arguments: zip(
            allCells,
            [
                5_890_255_072_826_519_007, 2_761_784_164_206_199_777, 5_216_400_025_655_676_485,
                5_079_049_908_432_812_437,
            ] as [UInt64]))
    func knownBitsBFloat16(cell: CellKind, expected: UInt64) {
        let digest = digestAfterFiveSteps(cell, .bfloat16)
        #expect(digest == expected, "\(cell): the digest is \(digest)")
    }

    private func digestAfterFiveSteps(_ cell: CellKind, _ precision: Precision) -> UInt64 {
        var numbers = TestNumbers(seed: 9)
        var network = LanguageModelNetwork<Float>(
            LanguageModelShape(
                cell: cell, layers: 2, hiddenSize: 35, embeddingSize: 21, vocabulary: 50, dropout: 0.25,
                precision: precision))
        network.initializeWeights(seed: 9)
        let layout = network.layout
        let adam = Adam<Float>(layout: layout)
        let root = ShardRange(0, 5)
        var sink = GradientCollector<Float>(layout: layout, nodes: [root])
        for step in 0..<5 {
            let batch = randomBatch(
                shards: Array(0..<5), sequences: 0...6, lengths: 1...12, vocabulary: 50, using: &numbers)
            let states: [Int: [Float]] = randomStates(batch, size: network.stateSize, using: &numbers)
            sink.reset()
            _ = network.trainingStep(
                batch, seed: 9, step: UInt32(step), carriedStates: states, nodes: [root], sink: &sink)
            let update = AdamConfiguration(rate: 0.01).step(update: step + 1, gradientScale: 1 / 128)
            for (chunk, place) in layout.chunks.enumerated() {
                let gradient = sink.gradient(chunk: chunk, node: root)
                if layout.tensors[place.tensor].isRowSparse {
                    for row in sink.rows(chunk: chunk, node: root) {
                        adam.update(
                            chunk: chunk, weights: network.weights, rows: [row],
                            values: gradient.rows(Int(row)..<Int(row) + 1), step: update)
                    }
                } else {
                    adam.update(chunk: chunk, weights: network.weights, gradient: gradient, step: update)
                }
            }
            network.weightsChanged()
        }
        return digest(network.weights)
    }

    /// FNV-1a over the bits of all weights.
    private func digest(_ weights: borrowing Buffer<Float>) -> UInt64 {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for weight in weights.elements { digest = (digest ^ UInt64(weight.bitPattern)) &* 0x0000_0100_0000_01b3 }
        return digest
    }
}
