// The random numbers: against the published vectors, and in distribution.

import Testing

@testable import Numerics

@Suite("Philox")
struct PhiloxTests {
    @Test(
        "blocks are those of Random123's known answers for philox4x32, 10 rounds",
        arguments: [
            (
                SIMD4<UInt32>(0, 0, 0, 0), SIMD2<UInt32>(0, 0),
                SIMD4<UInt32>(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
            ),
            (
                SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
                SIMD4<UInt32>(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
            ),
            (
                SIMD4<UInt32>(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
                SIMD2<UInt32>(0xA409_3822, 0x299F_31D0),
                SIMD4<UInt32>(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
            ),
        ])
    func knownAnswers(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, expected: SIMD4<UInt32>) {
        #expect(Philox.block(key: key, counter: counter) == expected)
    }

    @Test("a stream is the block at (index, index2, step, purpose above shard) under the halves of the seed")
    func streamCounter() {
        let stream = RandomStream(seed: 0x0123_4567_89AB_CDEF, purpose: .shuffle, step: 12, shard: 5)
        let expected = Philox.block(
            key: SIMD2(0x89AB_CDEF, 0x0123_4567), counter: SIMD4(7, 8, 12, 3 << 16 | 5))
        #expect(stream.block(7, 8) == expected)
    }

    @Test("words come in the order of the blocks")
    func words() {
        let stream = RandomStream(seed: 9, purpose: .sampling, step: 1)
        var words = stream.words(3)
        for index in 0..<5 as Range<UInt32> {
            let block = stream.block(index, 3)
            for lane in 0..<4 { #expect(words.nextWord() == block[lane]) }
        }
        var pairs = stream.words()
        #expect(pairs.next() == UInt64(stream.block(0).x) | UInt64(stream.block(0).y) << 32)
    }

    @Test("uniform floats lie in [0, 1) and spread evenly")
    func uniform() {
        #expect(Philox.uniform(0) == 0)
        #expect(Philox.uniform(.max) == 1 - 0x1p-24)
        let stream = RandomStream(seed: 1, purpose: .dropout)
        var counts = [Int](repeating: 0, count: 16)
        for index in 0..<4_096 as Range<UInt32> {
            let floats = stream.uniform(index)
            for lane in 0..<4 { counts[Int(floats[lane] * 16)] += 1 }
        }
        // 1024 are expected in each; the standard deviation is 31.
        #expect(counts.allSatisfy { abs($0 - 1024) < 160 })
    }

    @Test("numbers below a bound are all equally likely, also for a bound that words do not divide evenly into")
    func bounded() {
        var words = RandomStream(seed: 2, purpose: .shuffle).words()
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[Int(words.number(below: 7))] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        // A quarter of all words must be drawn again here: without that, small numbers would be twice as likely.
        let bound: UInt32 = 0xC000_0000
        let low = (0..<30_000).count { _ in words.number(below: bound) < bound / 2 }
        #expect(abs(low - 15_000) < 500)
        #expect(words.number(below: 1) == 0)
    }

    @Test("a permutation holds every number once, and all orders are equally likely")
    func permutation() {
        let stream = RandomStream(seed: 3, purpose: .shuffle, step: 4)
        let order = stream.permutation(1_000)
        #expect(order.sorted() == Array(0..<1_000))
        #expect(order != Array(0..<1_000))
        #expect(order == stream.permutation(1_000))
        #expect(order != stream.permutation(1_000, 1))
        #expect(stream.permutation(0).isEmpty && stream.permutation(1) == [0])
        var counts: [[UInt32]: Int] = [:]
        for index2 in 0..<6_000 as Range<UInt32> { counts[stream.permutation(3, index2), default: 0] += 1 }
        #expect(counts.count == 6 && counts.values.allSatisfy { abs($0 - 1_000) < 150 })
    }

    @Test("the order for a seed stays what it was in the first release")
    func pinned() {
        let order = RandomStream(seed: 1, purpose: .shuffle).permutation(8)
        #expect(order == [6, 4, 0, 2, 5, 7, 3, 1])
    }
}
