// Products on rounded operands, and bfloat16 numbers as bytes.

import Numerics
import Testing

@Suite("bfloat16")
struct BFloat16Tests {
    private func numbers(_ buffer: inout GrowingBuffer<Float>, _ rows: Int, _ columns: Int) -> Matrix<Float> {
        let matrix = buffer.matrix(rows: rows, columns: columns)
        for row in 0..<rows {
            for column in 0..<columns { matrix[row, column] = Float((row * 37 + column * 11) % 101 - 50) / 64 }
        }
        return matrix
    }

    @Test("bytes hold rounded numbers row by row, and come back exactly, with and without gaps between rows")
    func bytes() {
        var first = GrowingBuffer<Float>()
        var second = GrowingBuffer<Float>()
        let source = numbers(&first, 5, 40)
        source[0, 0] = 1 + 0x1p-8  // a tie: to even, below
        source[0, 1] = 1 + 0x3p-8  // a tie: to even, above
        source[1, 0] = .nan
        source[1, 1] = .greatestFiniteMagnitude
        for columns in [40, 19] {
            let part = source.columns(0..<columns)
            var bytes = [UInt8](repeating: 0, count: 2 * part.count)
            bytes.withUnsafeMutableBytes { part.copyRounded(toBFloat16: $0) }
            #expect(bytes.prefix(4) == [0x80, 0x3f, 0x82, 0x3f])
            let target = second.matrix(rows: 5, columns: 40).columns(40 - columns..<40)
            bytes.withUnsafeBytes { target.copy(fromBFloat16: $0) }
            #expect(target[0, 0] == 1 && target[0, 1] == 1 + 0x4p-8)
            #expect(target[1, 0].isNaN && target[1, 1] == .infinity)
            for row in 2..<5 {
                // The others have few digits: they are exact.
                for column in 0..<columns { #expect(target[row, column] == source[row, column]) }
            }
        }
    }

    @Test("products round their operands, not their sums; packed from lists of rows and transposes too")
    func products() {
        var first = GrowingBuffer<Float>()
        var second = GrowingBuffer<Float>()
        var results = GrowingBuffer<Float>()
        let (x, y) = (numbers(&first, 9, 20), numbers(&second, 9, 30))
        x[3, 4] = 1 + 0x1p-9
        let list: [Int32] = [8, 0, 3]
        var left = PackedLeft<Float>(precision: .bfloat16)
        var right = PackedRight<Float>(precision: .bfloat16)
        let result = results.matrix(rows: 20, columns: 30)
        left.packTransposed(x, rows: list)
        right.pack(y, rows: list)
        multiply(left, right, into: result)
        for m in 0..<20 {
            for n in 0..<30 {
                // These sums are exact.
                let expected = list.reduce(Float(0)) { sum, row in
                    sum + (row == 3 && m == 4 ? 1 : x[Int(row), m]) * y[Int(row), n]
                }
                #expect(result[m, n] == expected)
            }
        }
        left.pack(x, rows: list)
        right.packTransposed(y.columns(0..<20))
        let inner = results.matrix(rows: 3, columns: 9)
        multiply(left, right, into: inner, store: .replace)
        #expect(inner[0, 0] == (0..<20).reduce(Float(0)) { $0 + x[8, $1] * y[0, $1] })
    }
}
