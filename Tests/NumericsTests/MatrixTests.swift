// Views, copies by index and sums.

import Numerics
import Testing

@Suite("Matrices")
struct MatrixTests {
    /// A `[rows, columns]` matrix whose element (r, c) is 10 r + c.
    private func counting(_ buffer: inout GrowingBuffer<Float>, rows: Int, columns: Int) -> Matrix<Float> {
        let matrix = buffer.matrix(rows: rows, columns: columns)
        for row in 0..<rows { for column in 0..<columns { matrix[row, column] = Float(10 * row + column) } }
        return matrix
    }

    @Test("views of rows and columns see the same memory")
    func views() {
        var buffer = GrowingBuffer<Float>()
        let matrix = counting(&buffer, rows: 4, columns: 5)
        let part = matrix.rows(1..<3).columns(2..<4)
        #expect(part.elements == [12, 13, 22, 23])
        #expect(!part.isContiguous && matrix.isContiguous)
        part[1, 0] = -1
        #expect(matrix[2, 2] == -1)
        part.clear()
        #expect(matrix.rows(1..<3).elements == [10, 11, 0, 0, 14, 20, 21, 0, 0, 24])
    }

    @Test("copies go row by row between matrices of different strides")
    func copies() {
        var buffer = GrowingBuffer<Float>()
        var other = GrowingBuffer<Float>()
        let matrix = counting(&buffer, rows: 3, columns: 4)
        let target = other.clearedMatrix(rows: 3, columns: 2)
        target.copy(from: matrix.columns(1..<3))
        #expect(target.elements == [1, 2, 11, 12, 21, 22])
        matrix.columns(0..<2).copy(from: [5, 6, 7, 8, 9, 10][...])
        #expect(matrix.elements == [5, 6, 2, 3, 7, 8, 12, 13, 9, 10, 22, 23])
        #expect(target.asRow.columns == 6)
    }

    @Test("gathering and scattering follow their lists in order")
    func lists() {
        var buffer = GrowingBuffer<Float>()
        var other = GrowingBuffer<Float>()
        let matrix = counting(&buffer, rows: 4, columns: 3)
        let gathered = other.matrix(rows: 3, columns: 3)
        gathered.gather([9, 3, 0, 3, 9][1..<4], from: matrix)
        #expect(gathered.elements == [30, 31, 32, 0, 1, 2, 30, 31, 32])
        gathered.clear()
        gathered.scatterAdd(matrix, rows: [1, 2, 1], slots: [2, 0, 2])
        #expect(gathered.elements == [20, 21, 22, 0, 0, 0, 20, 22, 24])
        gathered.scatterAdd(matrix.rows(0..<1), slots: [1])
        #expect(gathered.rows(1..<2).elements == [0, 1, 2])
    }

    @Test("sums, element by element and by column")
    func sums() {
        var buffer = GrowingBuffer<Float>()
        var other = GrowingBuffer<Float>()
        let matrix = counting(&buffer, rows: 3, columns: 3)
        #expect(matrix.sum == 99)
        #expect(matrix.sumOfSquares == Double(matrix.elements.map { $0 * $0 }.reduce(0, +)))
        let sums = other.matrix(rows: 1, columns: 3)
        matrix.sumColumns(into: sums)
        #expect(sums.elements == [30, 33, 36])
        matrix.sumColumns(rows: [2, 2], into: sums, adding: true)
        #expect(sums.elements == [70, 75, 80])
        matrix.sumColumns(rows: [], into: sums)
        #expect(sums.elements == [0, 0, 0])
        matrix.columns(0..<2).add(matrix.columns(1..<3))
        #expect(matrix.rows(0..<1).elements == [1, 3, 2])
        matrix.multiply(by: matrix)
        #expect(matrix.rows(0..<1).elements == [1, 9, 4])
    }
}
