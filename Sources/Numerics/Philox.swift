// Random numbers without a state to lose: Philox 4x32-10 and the streams that a run draws from.

/// The counter-based generator Philox 4x32 with 10 rounds.
///
/// Salmon, Moraes, Dror and Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3". A block of four words is a
/// bijective function of the counter for each key, so that any number of any stream can be had at any time, on any
/// machine, in any order.
public enum Philox {
    /// The four random words at a counter.
    public static func block(key: SIMD2<UInt32>, counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        var (key0, key1) = (key.x, key.y)
        var (word0, word1, word2, word3) = (counter.x, counter.y, counter.z, counter.w)
        for _ in 0..<10 {
            let product0 = UInt64(multiplier0) &* UInt64(word0)
            let product1 = UInt64(multiplier1) &* UInt64(word2)
            (word0, word1, word2, word3) = (
                UInt32(truncatingIfNeeded: product1 >> 32) ^ word1 ^ key0, UInt32(truncatingIfNeeded: product1),
                UInt32(truncatingIfNeeded: product0 >> 32) ^ word3 ^ key1, UInt32(truncatingIfNeeded: product0)
            )
            key0 &+= weyl0
            key1 &+= weyl1
        }
        return SIMD4(word0, word1, word2, word3)
    }

    /// A float of [0, 1) from a random word: its upper 24 bits, all of them exact.
    public static func uniform(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }

    private static let multiplier0: UInt32 = 0xD251_1F53
    private static let multiplier1: UInt32 = 0xCD9E_8D57
    /// The golden ratio and the root of three less one, as fractions of 2^32.
    private static let weyl0: UInt32 = 0x9E37_79B9
    private static let weyl1: UInt32 = 0xBB67_AE85
}

/// What random numbers are drawn for. Each purpose has streams of its own, so that a run that draws more numbers for
/// one of them draws the same for the others.
public enum RandomPurpose: UInt32, Sendable, CaseIterable {
    /// The weights before the first step.
    case initialWeights = 1
    /// The activations that are dropped.
    case dropout = 2
    /// The order of sequences.
    case shuffle = 3
    /// The tokens of generated text.
    case sampling = 4
}

/// One stream of random words, found by the seed, the purpose, the step and the shard it belongs to.
///
///     let stream = RandomStream(seed: 1, purpose: .dropout, step: 12, shard: 3)
///     stream.block(7)          // four words, the same on every machine
///     stream.uniform(7).x      // the first of them as a float of [0, 1)
public struct RandomStream: Sendable, Equatable {
    /// The low and the high half of the seed.
    public let key: SIMD2<UInt32>
    /// The third word of the counter.
    public let step: UInt32
    /// The fourth word of the counter: the purpose above the shard.
    public let purposeAndShard: UInt32

    /// The stream of a purpose.
    ///
    /// - Parameters:
    ///   - step: the step, the epoch or another index of 32 bits.
    ///   - shard: an index of 16 bits.
    public init(seed: UInt64, purpose: RandomPurpose, step: UInt32 = 0, shard: UInt16 = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.step = step
        purposeAndShard = purpose.rawValue << 16 | UInt32(shard)
    }

    /// The four random words at a place of the stream.
    public func block(_ index: UInt32, _ index2: UInt32 = 0) -> SIMD4<UInt32> {
        Philox.block(key: key, counter: SIMD4(index, index2, step, purposeAndShard))
    }

    /// Four floats of [0, 1) at a place of the stream.
    public func uniform(_ index: UInt32, _ index2: UInt32 = 0) -> SIMD4<Float> {
        let words = block(index, index2)
        return SIMD4(
            Philox.uniform(words.x), Philox.uniform(words.y), Philox.uniform(words.z), Philox.uniform(words.w))
    }

    /// The words of a stream one after the other, from its first block on.
    ///
    /// - Parameter index2: chooses among 2^32 sequences of the stream, each of 2^34 words.
    public func words(_ index2: UInt32 = 0) -> RandomWords { RandomWords(stream: self, index2: index2) }

    /// The numbers below `count` in random order, all orders equally likely.
    public func permutation(_ count: Int, _ index2: UInt32 = 0) -> [UInt32] {
        precondition(count <= Int(UInt32.max), "a permutation has at most 2^32 - 1 elements")
        var order = [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
            for index in 0..<count { buffer.initializeElement(at: index, to: UInt32(index)) }
            initialized = count
        }
        var words = words(index2)
        words.shuffle(&order)
        return order
    }
}

/// Random words one after the other: a small value that can be copied, and be made again from its stream.
public struct RandomWords: RandomNumberGenerator, Sendable {
    private let stream: RandomStream
    private let index2: UInt32
    private var index: UInt32 = 0
    private var block = SIMD4<UInt32>()
    private var used = 4

    fileprivate init(stream: RandomStream, index2: UInt32) {
        self.stream = stream
        self.index2 = index2
    }

    /// The next word.
    public mutating func nextWord() -> UInt32 {
        if used == 4 {
            block = stream.block(index, index2)
            index &+= 1
            used = 0
        }
        defer { used += 1 }
        return block[used]
    }

    /// The next two words, the first of them below the second.
    public mutating func next() -> UInt64 {
        let low = UInt64(nextWord())
        return low | UInt64(nextWord()) << 32
    }

    /// A number below `bound`, all equally likely (Lemire 2019, "Fast random integer generation in an interval").
    public mutating func number(below bound: UInt32) -> UInt32 {
        precondition(bound > 0, "no number is below 0")
        var product = UInt64(nextWord()) * UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            // Products whose low word is below 2^32 mod bound would make some numbers likelier: draw again.
            let threshold = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < threshold { product = UInt64(nextWord()) * UInt64(bound) }
        }
        return UInt32(truncatingIfNeeded: product >> 32)
    }

    /// Puts elements into random order (Fisher and Yates, from the end as Durstenfeld 1964).
    ///
    /// Written out, because the order that the standard library's `shuffle(using:)` makes of given words is not
    /// promised to stay.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        precondition(elements.count <= Int(UInt32.max), "at most 2^32 - 1 elements can be shuffled")
        elements.withUnsafeMutableBufferPointer { buffer in
            var last = buffer.count - 1
            while last > 0 {
                let other = Int(number(below: UInt32(last + 1)))
                if other != last { buffer.swapAt(last, other) }
                last -= 1
            }
        }
    }
}
