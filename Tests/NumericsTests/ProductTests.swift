// Products of packed operands.

import Numerics
import Testing

@Suite("Products")
struct ProductTests {
    /// A `[rows, columns]` matrix of numbers that depend on `seed`.
    private func numbers(_ buffer: inout GrowingBuffer<Float>, _ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<
        Float
    > {
        var words = RandomStream(seed: seed, purpose: .shuffle).words()
        let matrix = buffer.matrix(rows: rows, columns: columns)
        matrix.copy(from: (0..<rows * columns).map { _ in 2 * Philox.uniform(words.nextWord()) - 1 }[...])
        return matrix
    }

    /// C[m, n]: one chain of fused multiply-adds in ascending k.
    private func reference(_ a: Matrix<Float>, _ b: Matrix<Float>) -> [Float] {
        (0..<a.rows).flatMap { m in
            (0..<b.columns).map { n in (0..<a.columns).reduce(Float(0)) { $0.addingProduct(a[m, $1], b[$1, n]) } }
        }
    }

    @Test(
        "every element is one chain of fused multiply-adds",
        arguments: [(1, 1, 1), (10, 7, 50), (64, 33, 97), (3, 0, 5)])
    func chains(rows: Int, inner: Int, columns: Int) {
        var left = GrowingBuffer<Float>()
        var right = GrowingBuffer<Float>()
        var result = GrowingBuffer<Float>()
        let (a, b) = (numbers(&left, rows, inner, seed: 1), numbers(&right, inner, columns, seed: 2))
        let c = result.matrix(rows: rows, columns: columns)
        var packedLeft = PackedLeft<Float>()
        var packedRight = PackedRight<Float>()
        packedLeft.pack(a)
        packedRight.pack(b)
        multiply(packedLeft, packedRight, into: c)
        let expected = reference(a, b)
        #expect(c.elements == expected)
        multiply(packedLeft, packedRight, into: c, store: .add)
        #expect(c.elements == expected.map { $0 + $0 })
        var biases = GrowingBuffer<Float>()
        let bias = numbers(&biases, columns, 1, seed: 3)
        multiply(packedLeft, packedRight, into: c, store: .bias(bias))
        #expect(c.elements == expected.enumerated().map { $1 + bias[$0 % columns, 0] })
    }

    @Test("operands are packed from lists of rows and from transposes")
    func packing() {
        var first = GrowingBuffer<Float>()
        var second = GrowingBuffer<Float>()
        var results = GrowingBuffer<Float>()
        let (x, y) = (numbers(&first, 9, 20, seed: 4), numbers(&second, 9, 30, seed: 5))
        let list: [Int32] = [8, 0, 3, 3]
        var left = PackedLeft<Float>()
        var right = PackedRight<Float>()

        // xᵀ y over the listed rows
        left.packTransposed(x, rows: list)
        right.pack(y, rows: list)
        let outer = results.matrix(rows: 20, columns: 30)
        multiply(left, right, into: outer)
        for m in 0..<20 {
            for n in 0..<30 {
                let expected = list.reduce(Float(0)) { $0.addingProduct(x[Int($1), m], y[Int($1), n]) }
                #expect(outer[m, n] == expected)
            }
        }

        // listed rows of x times (the first 20 columns of y)ᵀ
        left.pack(x, rows: list)
        right.packTransposed(y.columns(0..<20))
        let inner = results.matrix(rows: 4, columns: 9)
        multiply(left, right, into: inner)
        for m in 0..<4 {
            for n in 0..<9 {
                let expected = (0..<20).reduce(Float(0)) { $0.addingProduct(x[Int(list[m]), $1], y[n, $1]) }
                #expect(inner[m, n] == expected)
            }
        }
    }
}
