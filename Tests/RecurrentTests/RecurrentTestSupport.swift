// Random batches and networks for the tests of Recurrent.

import Numerics
import Recurrent

/// A small generator of test data; a failing test prints its seed. Its numbers are defined here, not by the standard
/// library, so that known digests stay.
struct TestNumbers {
    private var words: RandomWords

    init(seed: UInt64) { words = RandomStream(seed: seed, purpose: .shuffle).words() }

    /// An integer of the range.
    mutating func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(words.number(below: UInt32(range.count)))
    }

    /// Uniform in ±bound.
    mutating func real(_ bound: Double = 1) -> Double { (2 * Double(Philox.uniform(words.nextWord())) - 1) * bound }
}

/// Ragged sequences of random tokens; some targets are not counted.
func randomBatch(
    shards: [Int], sequences: ClosedRange<Int> = 0...3, lengths: ClosedRange<Int> = 1...6, vocabulary: Int,
    using numbers: inout TestNumbers
) -> SequenceBatch {
    SequenceBatch(
        shards: shards.map { shard in
            let counts = (0..<numbers.integer(sequences)).map { _ in
                numbers.integer(lengths)
            }
            let sorted = counts.sorted(by: >)
            func tokens(_ lowest: Int) -> [[Int32]] {
                sorted.map { (0..<$0).map { _ in Int32(numbers.integer(lowest...vocabulary - 1)) } }
            }
            return ShardSequences(shard: shard, inputs: tokens(0), targets: tokens(-1))
        })
}

/// Random carried states for every shard of a batch.
func randomStates<Scalar: KernelScalar>(
    _ batch: SequenceBatch, size: Int, using numbers: inout TestNumbers
) -> [Int: [Scalar]] {
    var states: [Int: [Scalar]] = [:]
    for shard in batch.shards {
        states[shard.shard] = (0..<size * shard.inputs.count).map { _ in Scalar(numbers.real(0.8)) }
    }
    return states
}

/// All cells.
let allCells: [CellKind] = [.elman(.tanh), .elman(.relu), .longShortTermMemory, .gatedRecurrentUnit]

/// |a − b| relative to the larger of both and to 10⁻⁴ (rounding of the losses hides what is smaller).
func relativeError(_ a: Double, _ b: Double) -> Double { abs(a - b) / max(abs(a), abs(b), 1e-4) }

/// The derivative of `function` by the value at `place`: central differences at two distances, so that the error is of
/// the fourth order and the distance can be large against rounding.
func centralDifference(_ place: UnsafeMutablePointer<Double>, of function: () -> Double) -> Double {
    let (value, distance) = (place.pointee, 2e-4)
    defer { place.pointee = value }
    func at(_ steps: Double) -> Double {
        place.pointee = value + steps * distance
        return function()
    }
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * distance)
}
