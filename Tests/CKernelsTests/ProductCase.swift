// Random operands of a product, and what it must give.

import CKernels
import Testing

/// The operands of one product, with what it must give in single precision and on operands rounded to bfloat16.
struct ProductCase {
    var left: PaddedMatrix
    var leftIsTransposed: Bool
    var leftRows: [Int32]?
    var right: PaddedMatrix
    var rightIsTransposed: Bool
    var rightRows: [Int32]?
    var before: PaddedMatrix
    var store: RondoStore
    var bias: [Float]

    init(M: Int, N: Int, K: Int, using generator: inout SeededGenerator) {
        leftIsTransposed = Bool.random(using: &generator)
        rightIsTransposed = Bool.random(using: &generator)
        let leftCount = leftIsTransposed ? K : M
        left = generator.matrix(leftCount, leftIsTransposed ? M : K)
        right = generator.matrix(rightIsTransposed ? N : K, rightIsTransposed ? K : N)
        if Bool.random(using: &generator), leftCount > 0 {
            leftRows = generator.indices(leftCount, below: leftCount)
        }
        if !rightIsTransposed, Bool.random(using: &generator), K > 0 {
            rightRows = generator.indices(K, below: K)
        }
        before = generator.matrix(M, N)
        store = [RondoStoreReplace, RondoStoreAdd, RondoStoreBias].randomElement(using: &generator)!
        bias = generator.floats(N)
    }

    func product(with kernels: RondoKernelsFloat, K: Int) -> [Float] {
        let (M, N) = (before.rows, before.columns)
        let guardValue: Float = 777
        var packedLeft = Array(repeating: guardValue, count: kernels.packedLeftCount(M, K) + 1)
        var packedRight = Array(repeating: guardValue, count: kernels.packedRightCount(K, N) + 1)
        let packLeft = leftIsTransposed ? kernels.packLeftTransposed : kernels.packLeft
        packLeft(left.values, left.stride, leftRows, M, K, &packedLeft)
        if rightIsTransposed {
            kernels.packRightTransposed(right.values, right.stride, K, N, &packedRight)
        } else {
            kernels.packRight(right.values, right.stride, rightRows, K, N, &packedRight)
        }
        #expect(packedLeft.last == guardValue && packedRight.last == guardValue, "packing wrote beyond its count")
        var result = before.values
        kernels.product(packedLeft, packedRight, M, N, K, &result, before.stride, store, bias)
        return result
    }

    func productBFloat16(with kernels: RondoKernelsFloat, K: Int) -> [Float] {
        let (M, N) = (before.rows, before.columns)
        let guardValue: UInt32 = 777
        var packedLeft = Array(repeating: guardValue, count: kernels.packedLeftCountBFloat16(M, K) + 1)
        var packedRight = Array(repeating: guardValue, count: kernels.packedRightCountBFloat16(K, N) + 1)
        let packLeft = leftIsTransposed ? kernels.packLeftTransposedBFloat16 : kernels.packLeftBFloat16
        packLeft(left.values, left.stride, leftRows, M, K, &packedLeft)
        if rightIsTransposed {
            kernels.packRightTransposedBFloat16(right.values, right.stride, K, N, &packedRight)
        } else {
            kernels.packRightBFloat16(right.values, right.stride, rightRows, K, N, &packedRight)
        }
        #expect(packedLeft.last == guardValue && packedRight.last == guardValue, "packing wrote beyond its count")
        var result = before.values
        kernels.productBFloat16(packedLeft, packedRight, M, N, K, &result, before.stride, store, bias)
        return result
    }

    /// One accumulator an element, k ascending, fused; then the old element or the bias.
    func reference(K: Int) -> [Float] {
        elements { m, n in
            (0..<K).reduce(Float(0)) { sum, k in fused(leftElement(m, k), rightElement(k, n), sum) }
        }
    }

    /// One accumulator an element, rounded operands, k in pairs, the second of a pair first; then as ``reference(K:)``.
    func referenceBFloat16(K: Int) -> [Float] {
        elements { m, n in
            stride(from: 0, to: K, by: 2).reduce(Float(0)) { sum, k in
                // Beyond an odd K lie zeros.
                let second = k + 1 < K ? roundedProduct(m, n, k + 1) : 0
                return (sum + second) + roundedProduct(m, n, k)
            }
        }
    }

    /// Exact in single precision.
    private func roundedProduct(_ m: Int, _ n: Int, _ k: Int) -> Float {
        roundedToBFloat16(leftElement(m, k)) * roundedToBFloat16(rightElement(k, n))
    }

    private func elements(_ sum: (_ m: Int, _ n: Int) -> Float) -> [Float] {
        before.mapping { m, n in
            switch store {
            case RondoStoreAdd: before[m, n] + sum(m, n)
            case RondoStoreBias: sum(m, n) + bias[n]
            default: sum(m, n)
            }
        }.values
    }

    private func leftElement(_ m: Int, _ k: Int) -> Float {
        leftIsTransposed ? left[row(leftRows, k), m] : left[row(leftRows, m), k]
    }

    private func rightElement(_ k: Int, _ n: Int) -> Float {
        rightIsTransposed ? right[n, k] : right[row(rightRows, k), n]
    }

    private func row(_ rows: [Int32]?, _ index: Int) -> Int { rows.map { Int($0[index]) } ?? index }
}

/// The nearest number of 8 significant bits, ties to even; a NaN becomes quiet. By the definition, not by bit tricks:
/// of the two neighbours, the nearer one.
func roundedToBFloat16(_ x: Float) -> Float {
    if x.isNaN { return Float(bitPattern: x.bitPattern & 0xffff_0000 | 0x40_0000) }
    if x.isInfinite { return x }
    let below = x.bitPattern & 0xffff_0000, above = below + 0x1_0000
    // The number above the largest one counts as 2^128 here, although it is infinite.
    func value(_ bits: UInt32) -> Double {
        let number = Float(bitPattern: bits)
        return number.isInfinite ? (number > 0 ? 0x1p128 : -0x1p128) : Double(number)
    }
    let (toBelow, toAbove) = (abs(Double(x) - value(below)), abs(value(above) - Double(x)))
    if toBelow == toAbove { return Float(bitPattern: below & 0x1_0000 == 0 ? below : above) }
    return Float(bitPattern: toBelow < toAbove ? below : above)
}
