// What the kernel tests share: random operands from a seed, the sets of this machine, and comparison of bits.

import CKernels
import Testing

/// SplitMix64: a short generator whose stream depends on its seed alone.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// An integer of `range`.
    mutating func integer(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// `count` values spread over `range`.
    mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
        (0..<count).map { _ in Float.random(in: range, using: &self) }
    }

    /// `count` indices below `limit`.
    mutating func indices(_ count: Int, below limit: Int) -> [Int32] {
        (0..<count).map { _ in Int32.random(in: 0..<Int32(limit), using: &self) }
    }

    /// A matrix whose rows lie 0 to 5 elements further apart than they are long.
    mutating func matrix(_ rows: Int, _ columns: Int, in range: ClosedRange<Float> = -1...1) -> PaddedMatrix {
        var result = PaddedMatrix(rows: rows, columns: columns, padding: integer(0...5))
        for row in 0..<rows {
            for column in 0..<columns { result[row, column] = Float.random(in: range, using: &self) }
        }
        return result
    }
}

/// A row-major matrix with a recognisable value between its rows, which no kernel may touch.
struct PaddedMatrix {
    static let untouched: Float = -12345.5
    let rows: Int
    let columns: Int
    let stride: Int
    var values: [Float]

    init(rows: Int, columns: Int, padding: Int) {
        self.rows = rows
        self.columns = columns
        stride = columns + padding
        values = Array(repeating: Self.untouched, count: Swift.max(rows * stride, 1))
        for row in 0..<rows { for column in 0..<columns { self[row, column] = 0 } }
    }

    subscript(row: Int, column: Int) -> Float {
        get { values[row * stride + column] }
        set { values[row * stride + column] = newValue }
    }

    /// The same place and stride, its elements replaced.
    func mapping(_ element: (_ row: Int, _ column: Int) -> Float) -> PaddedMatrix {
        var result = self
        for row in 0..<rows { for column in 0..<columns { result[row, column] = element(row, column) } }
        return result
    }
}

/// A kernel set of this machine.
struct KernelSet: CustomTestStringConvertible, Sendable {
    let name: String
    var testDescription: String { name }
    var kernels: RondoKernelsFloat { rondo_kernels_float(name)!.pointee }

    /// Every set that this processor can run.
    static let all: [KernelSet] = {
        let names = ["avx512bf16", "avx512", "avx2", "neon", "portable"]
        return names.filter { rondo_kernels_float($0) != nil }.map(KernelSet.init(name:))
    }()
}

/// `count` new seeds. A failure prints the one it happened with: put it here to replay.
func seeds(_ count: Int) -> [UInt64] { (0..<count).map { _ in UInt64.random(in: 0...UInt64.max) } }

/// The first index where the bits of two arrays differ; any NaN equals any other. Nil if there is none.
func firstDifference(_ a: [Float], _ b: [Float]) -> Int? {
    guard a.count == b.count else { return Swift.min(a.count, b.count) }
    return a.indices.first { a[$0].bitPattern != b[$0].bitPattern && !(a[$0].isNaN && b[$0].isNaN) }
}

/// Expects the same bits, and names the seed, the set and the first difference if not.
func expectSameBits(
    _ result: [Float], _ expected: [Float], _ what: String, _ set: KernelSet, seed: UInt64,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard let index = firstDifference(result, expected) else { return }
    Issue.record(
        "\(what) with \(set.name), seed \(seed): element \(index) is \(result[index]), expected \(expected[index])",
        sourceLocation: sourceLocation)
}
