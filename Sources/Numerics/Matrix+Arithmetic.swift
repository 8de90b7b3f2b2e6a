// Sums, copies by index and element-wise products of matrices.

import CKernels

extension Matrix where Scalar: KernelScalar {
    /// self += other, element by element.
    @specialized(where Scalar == Float)
    public func add(_ other: Matrix) {
        precondition(other.rows == rows && other.columns == columns, "shapes differ")
        if isContiguous && other.isContiguous {
            Scalar.kernels.add(count, base, other.base)
        } else {
            for row in 0..<rows { Scalar.kernels.add(columns, base + row * stride, other.base + row * other.stride) }
        }
    }

    /// self *= other, element by element.
    @specialized(where Scalar == Float)
    public func multiply(by other: Matrix) {
        precondition(other.rows == rows && other.columns == columns, "shapes differ")
        if isContiguous && other.isContiguous {
            Scalar.kernels.multiply(count, base, other.base)
        } else {
            for row in 0..<rows {
                Scalar.kernels.multiply(columns, base + row * stride, other.base + row * other.stride)
            }
        }
    }

    /// The sum of all elements: 16 strided partial sums in double precision. The matrix has no gaps.
    public var sum: Double {
        precondition(isContiguous, "a sum runs over memory without gaps")
        return Scalar.kernels.sum(count, base)
    }

    /// The sum of all squares, in the order of ``sum``.
    public var sumOfSquares: Double {
        precondition(isContiguous, "a sum runs over memory without gaps")
        return Scalar.kernels.sumOfSquares(count, base)
    }

    /// Writes the sums of the columns over the listed rows (all rows without a list), in the list's order.
    ///
    /// - Parameters:
    ///   - result: as many elements as self has columns, without gaps.
    ///   - adding: whether the sums are added to what is there.
    @specialized(where Scalar == Float)
    public func sumColumns(rows list: [Int32]? = nil, into result: Matrix, adding: Bool = false) {
        precondition(result.count == columns && result.isContiguous, "the result has another length")
        Scalar.kernels.columnSums(
            base, stride, list, list?.count ?? rows, columns, result.base, adding ? RondoStoreAdd : RondoStoreReplace)
    }

    /// self[k] = source[list[k]], row by row.
    @specialized(where Scalar == Float)
    public func gather(_ list: ArraySlice<Int32>, from source: Matrix) {
        precondition(list.count == rows && source.columns == columns, "shapes differ")
        list.withUnsafeBufferPointer { indices in
            guard let indices = indices.baseAddress else { return }
            Scalar.kernels.gatherRows(source.base, source.stride, indices, rows, columns, base, stride)
        }
    }

    /// self[slots[k]] += source[rows[k]] (source[k] without `rows`), k ascending.
    @specialized(where Scalar == Float)
    public func scatterAdd(_ source: Matrix, rows list: [Int32]? = nil, slots: [Int32]) {
        precondition(source.columns == columns && (list?.count ?? source.rows) == slots.count, "shapes differ")
        Scalar.kernels.scatterAddRows(source.base, source.stride, list, slots, slots.count, columns, base, stride)
    }

    /// Fills one row with a dropout mask: 1/(1 − p) where kept, 0 where dropped. Element i is drawn by word i mod 4 of
    /// Philox under `key` at the counter (i / 4, counter.x, counter.y, counter.z).
    @specialized(where Scalar == Float)
    public func fillDropoutMask(row: Int, probability: Scalar, key: SIMD2<UInt32>, counter: SIMD3<UInt32>) {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        Scalar.kernels.dropoutMask(
            columns, key.x, key.y, counter.x, counter.y, counter.z, probability, base + row * stride)
    }
}
