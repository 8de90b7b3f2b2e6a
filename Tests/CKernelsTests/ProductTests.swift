// The packed matrix product: bits against a scalar loop, for every set, packing, store and odd shape.

import CKernels
import Testing

@Suite("Packed product")
struct ProductTests {
    private func check(M: Int, N: Int, K: Int, _ generator: inout SeededGenerator, seed: UInt64) {
        let operands = ProductCase(M: M, N: N, K: K, using: &generator)
        let expected = operands.reference(K: K)
        for set in KernelSet.all {
            expectSameBits(
                operands.product(with: set.kernels, K: K), expected, "product \(M) x \(N) x \(K)", set, seed: seed)
        }
    }

    @Test("is one fused chain an element on every set, whatever the shape, packing, stride and store")
    func randomShapes() {
        for seed in seeds(150) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (generator.integer(1...20), generator.integer(1...130), generator.integer(0...70))
            check(M: M, N: N, K: K, &generator, seed: seed)
        }
    }

    @Test("keeps the chain where K is cut into blocks for the cache")
    func deepProducts() {
        for seed in seeds(6) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (generator.integer(1...9), generator.integer(1...60), generator.integer(1025...2500))
            check(M: M, N: N, K: K, &generator, seed: seed)
        }
    }

    @Test("keeps the chain where M is cut into blocks for the cache")
    func tallProducts() {
        for seed in seeds(2) {
            var generator = SeededGenerator(seed: seed)
            check(M: generator.integer(300...400), N: generator.integer(1...30), K: 300, &generator, seed: seed)
        }
    }

    @Test("of wide operands by one or two rows, as in generation", arguments: [1, 2])
    func fewRows(M: Int) {
        for seed in seeds(10) {
            var generator = SeededGenerator(seed: seed)
            check(M: M, N: generator.integer(150...500), K: generator.integer(1...40), &generator, seed: seed)
        }
        let seed = seeds(1)[0]
        var generator = SeededGenerator(seed: seed)
        check(M: M, N: generator.integer(190...220), K: 1500, &generator, seed: seed)
    }

    @Test("with K = 0 gives zero, the bias, or what was there", arguments: KernelSet.all)
    func emptySum(set: KernelSet) {
        let cases: [(RondoStore, Float)] = [(RondoStoreReplace, 0), (RondoStoreAdd, 3), (RondoStoreBias, 5)]
        for (store, expected) in cases {
            var result: [Float] = Array(repeating: 3, count: 12)
            set.kernels.product([0], [0], 3, 4, 0, &result, 4, store, [5, 5, 5, 5])
            #expect(result == Array(repeating: expected, count: 12))
        }
    }

    @Test("carries infinities and NaN to the elements they belong to", arguments: KernelSet.all)
    func nonFinite(set: KernelSet) {
        let kernels = set.kernels
        var packedLeft = Array(repeating: Float.zero, count: kernels.packedLeftCount(2, 2))
        var packedRight = Array(repeating: Float.zero, count: kernels.packedRightCount(2, 2))
        kernels.packLeft([1, 1, .nan, 1], 2, nil, 2, 2, &packedLeft)
        kernels.packRight([.infinity, 1, 1, 1], 2, nil, 2, 2, &packedRight)
        var result: [Float] = [0, 0, 0, 0]
        kernels.product(packedLeft, packedRight, 2, 2, 2, &result, 2, RondoStoreReplace, nil)
        #expect(result[0] == .infinity && result[1] == 2 && result[2].isNaN && result[3].isNaN)
    }
}
