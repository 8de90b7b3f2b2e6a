// Softmax with cross-entropy, and log-softmax: bits against scalar formulas on every set.

import CKernels
import Testing

@Suite("Output layer")
struct OutputLayerTests {
    /// Largest element, and the sum of exp(x - largest) in the documented order.
    private func normalizer(_ row: [Float]) -> (largest: Float, sum: Float) {
        let largest = row.max()!
        return (largest, referenceSum(row.map { referenceExponential($0 - largest) }))
    }

    private func row(_ matrix: PaddedMatrix, _ row: Int) -> [Float] { (0..<matrix.columns).map { matrix[row, $0] } }

    @Test("loss and gradient of each row; a negative target is ignored")
    func softmaxCrossEntropy() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, N) = (generator.integer(1...6), generator.integer(1...130))
            let logits = generator.matrix(rows, N, in: -15...15)
            let targets = (0..<rows).map { _ in Int32(generator.integer(-1...N - 1)) }
            let normalizers = (0..<rows).map { normalizer(row(logits, $0)) }

            let losses = (0..<rows).map { row -> Float in
                guard targets[row] >= 0 else { return 0 }
                let (largest, sum) = normalizers[row]
                return referenceLogarithm(sum) - (logits[row, Int(targets[row])] - largest)
            }
            let gradients = logits.mapping { row, column in
                guard targets[row] >= 0 else { return 0 }
                let (largest, sum) = normalizers[row]
                let probability = referenceExponential(logits[row, column] - largest) * (1 / sum)
                return column == Int(targets[row]) ? probability - 1 : probability
            }

            for set in KernelSet.all {
                var (withGradient, without) = (logits, logits)
                var newLosses = Array(repeating: Float(-1), count: rows)
                set.kernels.softmaxCrossEntropy(rows, N, &withGradient.values, logits.stride, targets, &newLosses, 1)
                expectSameBits(newLosses, losses, "losses", set, seed: seed)
                expectSameBits(withGradient.values, gradients.values, "gradients", set, seed: seed)
                set.kernels.softmaxCrossEntropy(rows, N, &without.values, logits.stride, targets, &newLosses, 0)
                expectSameBits(newLosses, losses, "losses alone", set, seed: seed)
                expectSameBits(without.values, logits.values, "untouched logits", set, seed: seed)
            }
        }
    }

    @Test("log-softmax is x - max - log(sum)")
    func logSoftmax() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (rows, N) = (generator.integer(1...6), generator.integer(1...130))
            let logits = generator.matrix(rows, N, in: -30...30)
            let expected = logits.mapping { index, column in
                let (largest, sum) = normalizer(row(logits, index))
                return logits[index, column] - largest - referenceLogarithm(sum)
            }
            for set in KernelSet.all {
                var result = logits
                set.kernels.logSoftmax(rows, N, &result.values, logits.stride)
                expectSameBits(result.values, expected.values, "log-softmax", set, seed: seed)
            }
        }
    }

    @Test("huge logits do not overflow, a NaN makes the loss NaN", arguments: KernelSet.all)
    func extremes(set: KernelSet) {
        var losses: [Float] = [0]
        var logits: [Float] = [1e38, -1e38, 1e38]
        set.kernels.softmaxCrossEntropy(1, 3, &logits, 3, [0], &losses, 1)
        #expect(logits == [-0.5, 0, 0.5])
        #expect(abs(losses[0] - 0.693_147_2) < 1e-6)

        var broken = Array(repeating: Float(1), count: 40)
        broken[23] = .nan
        set.kernels.softmaxCrossEntropy(1, 40, &broken, 40, [3], &losses, 0)
        #expect(losses[0].isNaN)
    }
}
