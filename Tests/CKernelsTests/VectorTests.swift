// Sums, rows, Adam and dropout: bits against scalar formulas on every set.

import CKernels
import Testing

@Suite("Vectors and rows")
struct VectorTests {
    @Test("sums use sixteen strided partials in double, combined pairwise")
    func sums() {
        for seed in seeds(40) {
            var generator = SeededGenerator(seed: seed)
            let x = generator.floats(generator.integer(1...300), in: -100...100)
            let sum = referenceSum(x.map(Double.init))
            let squares = referenceSum(x.map(Double.init)) { $0.addingProduct($1, $1) }
            for set in KernelSet.all {
                let what = "\(set.name), seed \(seed), \(x.count) elements"
                #expect(set.kernels.sum(x.count, x).bitPattern == sum.bitPattern, "\(what)")
                #expect(set.kernels.sumOfSquares(x.count, x).bitPattern == squares.bitPattern, "\(what)")
            }
        }
    }

    @Test("addition and multiplication go element by element")
    func addAndMultiply() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let count = generator.integer(1...100)
            let (x, y) = (generator.floats(count), generator.floats(count))
            for set in KernelSet.all {
                var (sum, product) = (y, y)
                set.kernels.add(count, &sum, x)
                set.kernels.multiply(count, &product, x)
                expectSameBits(sum, zip(y, x).map { $0 + $1 }, "sum", set, seed: seed)
                expectSameBits(product, zip(y, x).map { $0 * $1 }, "product", set, seed: seed)
            }
        }
    }

    @Test("column sums go down the chosen rows in order")
    func columnSums() {
        for seed in seeds(30) {
            var generator = SeededGenerator(seed: seed)
            let (K, N) = (generator.integer(0...30), generator.integer(1...150))
            let source = generator.matrix(max(K, 1), N), before = generator.floats(N)
            let rows = Bool.random(using: &generator) ? generator.indices(K, below: max(K, 1)) : nil
            let order = rows.map { $0.map(Int.init) } ?? Array(0..<K)
            let sums = (0..<N).map { n in order.reduce(Float.zero) { $0 + source[$1, n] } }
            for set in KernelSet.all {
                for store in [RondoStoreReplace, RondoStoreAdd] {
                    var out = before
                    set.kernels.columnSums(source.values, source.stride, rows, K, N, &out, store)
                    let expected = store == RondoStoreAdd ? zip(before, sums).map { $0 + $1 } : sums
                    expectSameBits(out, expected, "column sums of \(K) x \(N)", set, seed: seed)
                }
            }
        }
    }

    @Test("rows are gathered, and scattered back in order, repeated slots adding up")
    func gatherAndScatter() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let (K, N, slotCount) = (generator.integer(1...12), generator.integer(1...70), generator.integer(1...5))
            let table = generator.matrix(slotCount, N), source = generator.matrix(K, N), space = generator.matrix(K, N)
            let slots = generator.indices(K, below: slotCount), rows = generator.indices(K, below: K)

            let gathered = space.mapping { k, n in table[Int(slots[k]), n] }
            var scattered = table
            for k in 0..<K { for n in 0..<N { scattered[Int(slots[k]), n] += source[Int(rows[k]), n] } }

            for set in KernelSet.all {
                var (newGathered, newScattered) = (space, table)
                set.kernels.gatherRows(table.values, table.stride, slots, K, N, &newGathered.values, space.stride)
                expectSameBits(newGathered.values, gathered.values, "gathered", set, seed: seed)
                set.kernels.scatterAddRows(
                    source.values, source.stride, rows, slots, K, N, &newScattered.values, table.stride)
                expectSameBits(newScattered.values, scattered.values, "scattered", set, seed: seed)
            }
        }
    }

    @Test("Adam rounds its constants once and updates moments and weights as documented")
    func adam() {
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let count = generator.integer(1...100)
            let weights = generator.floats(count), gradient = generator.floats(count, in: -3...3)
            let first = generator.floats(count), second = generator.floats(count, in: 0...1)
            var step = RondoAdamStep(
                gradientScale: 0.37, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, stepSize: 0.002 / 0.271,
                rootBiasCorrection: 0.0547)

            var (newWeights, newFirst, newSecond) = (weights, first, second)
            for i in 0..<count {
                let g = Float(step.gradientScale) * gradient[i]
                newFirst[i] = fused(Float(step.beta1), first[i], Float(1 - step.beta1) * g)
                newSecond[i] = fused(Float(step.beta2), second[i], Float(1 - step.beta2) * g * g)
                let divisor = fused(
                    newSecond[i].squareRoot(), Float(1 / step.rootBiasCorrection), Float(step.epsilon))
                newWeights[i] = fused(-Float(step.stepSize), newFirst[i] / divisor, weights[i])
            }
            for set in KernelSet.all {
                var (w, m, v) = (weights, first, second)
                set.kernels.adam(count, &w, &m, &v, gradient, &step)
                expectSameBits(w, newWeights, "weights", set, seed: seed)
                expectSameBits(m, newFirst, "first moments", set, seed: seed)
                expectSameBits(v, newSecond, "second moments", set, seed: seed)
            }
        }
    }

    @Test("dropout masks are Philox 4x32-10, four elements a counter")
    func dropout() {
        // Known answer of the authors' Random123 for key 0, counter 0.
        #expect(philox(key: (0, 0), counter: [0, 0, 0, 0]) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
        for seed in seeds(20) {
            var generator = SeededGenerator(seed: seed)
            let count = generator.integer(1...300), p = Float.random(in: 0..<0.9, using: &generator)
            let words = (0..<5).map { _ in UInt32.random(in: 0...UInt32.max, using: &generator) }
            let expected = (0..<count).map { i -> Float in
                let block = philox(key: (words[0], words[1]), counter: [UInt32(i / 4), words[2], words[3], words[4]])
                return Float(block[i % 4] >> 8) * 0x1p-24 >= p ? 1 / (1 - p) : 0
            }
            for set in KernelSet.all {
                var mask = Array(repeating: Float(-1), count: count + 1)
                set.kernels.dropoutMask(count, words[0], words[1], words[2], words[3], words[4], p, &mask)
                expectSameBits(mask, expected + [-1], "dropout mask", set, seed: seed)
            }
        }
    }

    private func philox(key: (UInt32, UInt32), counter: [UInt32]) -> [UInt32] {
        var (x, k0, k1) = (counter, key.0, key.1)
        for _ in 0..<10 {
            let (a, b) = (UInt64(x[0]) * 0xD251_1F53, UInt64(x[2]) * 0xCD9E_8D57)
            x = [
                UInt32(b >> 32) ^ x[1] ^ k0, UInt32(truncatingIfNeeded: b), UInt32(a >> 32) ^ x[3] ^ k1,
                UInt32(truncatingIfNeeded: a),
            ]
            k0 &+= 0x9E37_79B9
            k1 &+= 0xBB67_AE85
        }
        return x
    }
}
