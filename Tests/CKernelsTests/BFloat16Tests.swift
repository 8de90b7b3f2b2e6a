// bfloat16: conversion, and products on rounded operands, by the processor's instruction and by emulation.

import CKernels
import Testing

@Suite("bfloat16")
struct BFloat16Tests {
    /// All sorts of numbers: every exponent, ties, infinities, NaN, subnormals and zeros.
    private func bitPatterns(_ count: Int, using generator: inout SeededGenerator) -> [Float] {
        (0..<count).map { _ in
            var bits = UInt32.random(in: 0...UInt32.max, using: &generator)
            switch generator.integer(0...5) {
            case 0: bits = bits & 0xffff_0000 | 0x8000  // a tie
            case 1: bits &= 0xffff_0000  // exact
            case 2: bits |= 0x7f80_0000  // infinite or NaN
            case 3: bits &= 0x807f_ffff  // subnormal or zero
            default: break
            }
            return Float(bitPattern: bits)
        }
    }

    @Test("rounds to the nearest number, ties to even, at any address", arguments: KernelSet.all)
    func rounding(set: KernelSet) {
        for seed in seeds(200) {
            var generator = SeededGenerator(seed: seed)
            let numbers = bitPatterns(generator.integer(0...100), using: &generator)
            let offset = generator.integer(0...3)
            var bytes = [UInt8](repeating: 7, count: 2 * numbers.count + offset + 1)
            bytes.withUnsafeMutableBytes { set.kernels.toBFloat16(numbers.count, numbers, $0.baseAddress! + offset) }
            let found = numbers.indices.map { index in
                let place = offset + 2 * index
                return Float(bitPattern: UInt32(bytes[place]) << 16 | UInt32(bytes[place + 1]) << 24)
            }
            let expected = numbers.map(roundedToBFloat16)
            #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "seed \(seed)")
            #expect(bytes.last == 7 && bytes.prefix(offset).allSatisfy { $0 == 7 }, "seed \(seed)")
        }
    }

    @Test("comes back exactly from all 65,536 patterns", arguments: KernelSet.all)
    func allPatterns(set: KernelSet) {
        let halves = (0..<UInt16.max).map { $0 } + [UInt16.max]
        var numbers = [Float](repeating: 0, count: halves.count)
        halves.withUnsafeBytes { set.kernels.fromBFloat16(halves.count, $0.baseAddress!, &numbers) }
        #expect(numbers.map(\.bitPattern) == halves.map { UInt32($0) << 16 })
        var again = [UInt16](repeating: 0, count: halves.count)
        again.withUnsafeMutableBytes { set.kernels.toBFloat16(numbers.count, numbers, $0.baseAddress!) }
        let quiet = halves.map { Float(bitPattern: UInt32($0) << 16).isNaN ? $0 | 0x40 : $0 }
        #expect(again == quiet)
        // From an odd address, and not a multiple of any register.
        let bytes: [UInt8] = [0] + halves.prefix(37).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        bytes.withUnsafeBytes { set.kernels.fromBFloat16(37, $0.baseAddress! + 1, &numbers) }
        #expect(numbers.prefix(37).map(\.bitPattern) == (0..<37).map { UInt32($0) << 16 })
    }

    private func check(M: Int, N: Int, K: Int, _ generator: inout SeededGenerator, seed: UInt64) {
        let operands = ProductCase(M: M, N: N, K: K, using: &generator)
        let expected = operands.referenceBFloat16(K: K)
        for set in KernelSet.all {
            expectSameBits(
                operands.productBFloat16(with: set.kernels, K: K), expected, "product \(M) x \(N) x \(K)", set,
                seed: seed)
        }
    }

    @Test("products are one chain an element on every set, whatever the shape, packing, stride and store")
    func randomShapes() {
        for seed in seeds(150) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (generator.integer(1...20), generator.integer(1...130), generator.integer(0...70))
            check(M: M, N: N, K: K, &generator, seed: seed)
        }
    }

    @Test("products keep the chain where K or M is cut into blocks for the cache")
    func largeProducts() {
        for seed in seeds(4) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (generator.integer(1...5), generator.integer(1...30), generator.integer(2049...2500))
            check(M: M, N: N, K: K, &generator, seed: seed)
        }
        let seed = seeds(1)[0]
        var generator = SeededGenerator(seed: seed)
        check(M: generator.integer(230...260), N: generator.integer(1...10), K: 600, &generator, seed: seed)
    }

    @Test("products of one or two rows, as in generation", arguments: [1, 2])
    func fewRows(M: Int) {
        for seed in seeds(10) {
            var generator = SeededGenerator(seed: seed)
            check(M: M, N: generator.integer(150...500), K: generator.integer(1...40), &generator, seed: seed)
        }
    }

    @Test("the instruction and its emulation agree on numbers of all magnitudes that stay normal")
    func instruction() throws {
        guard let instruction = rondo_kernels_float("avx512bf16")?.pointee else { return }
        let emulation = rondo_kernels_float("avx512")!.pointee
        for seed in seeds(40) {
            var generator = SeededGenerator(seed: seed)
            let (M, N, K) = (16, 48, generator.integer(1...6))
            func numbers(_ rows: Int, _ columns: Int) -> [Float] {
                (0..<rows * columns).map { _ in
                    let magnitude = Float(sign: .plus, exponent: generator.integer(-38...60), significand: 1)
                    return magnitude * Float.random(in: 1..<2, using: &generator) * (Bool.random() ? 1 : -1)
                }
            }
            let (left, right) = (numbers(M, K), numbers(K, N))
            func product(_ kernels: RondoKernelsFloat) -> [Float] {
                var packedLeft = [UInt32](repeating: 0, count: kernels.packedLeftCountBFloat16(M, K))
                var packedRight = [UInt32](repeating: 0, count: kernels.packedRightCountBFloat16(K, N))
                kernels.packLeftBFloat16(left, K, nil, M, K, &packedLeft)
                kernels.packRightBFloat16(right, N, nil, K, N, &packedRight)
                var result = [Float](repeating: 0, count: M * N)
                kernels.productBFloat16(packedLeft, packedRight, M, N, K, &result, N, RondoStoreReplace, nil)
                return result
            }
            let (one, other) = (product(instruction), product(emulation))
            #expect(firstDifference(one, other) == nil, "seed \(seed)")
        }
    }

    @Test("an infinite product is fused away, and infinities and NaN go where they belong", arguments: KernelSet.all)
    func extremes(set: KernelSet) {
        func sum(_ left: [Float], _ right: [Float]) -> Float {
            let (kernels, K) = (set.kernels, left.count)
            var packedLeft = [UInt32](repeating: 0, count: kernels.packedLeftCountBFloat16(1, K))
            var packedRight = [UInt32](repeating: 0, count: kernels.packedRightCountBFloat16(K, 1))
            kernels.packLeftBFloat16(left, K, nil, 1, K, &packedLeft)
            kernels.packRightBFloat16(right, 1, nil, K, 1, &packedRight)
            var result: Float = 7
            kernels.productBFloat16(packedLeft, packedRight, 1, 1, K, &result, 1, RondoStoreReplace, nil)
            return result
        }
        #expect(sum([0x1p64, -0x1p64], [0x1p64, 0x1p63]) == 0x1p127)
        #expect(sum([1, .infinity], [1, 1]) == .infinity)
        #expect(sum([1, .nan, 1], [1, 1, 1]).isNaN)
        #expect(sum([.infinity], [0]).isNaN)
        #expect(sum([.greatestFiniteMagnitude], [1]) == .infinity)
    }

    @Test("the peak probe counts two multiply-adds a pair", arguments: KernelSet.all)
    func probe(set: KernelSet) {
        var sink: Float = 0
        #expect(set.kernels.peakProbeBFloat16(3, &sink) == 2 * set.kernels.peakProbe(3, &sink))
    }
}
