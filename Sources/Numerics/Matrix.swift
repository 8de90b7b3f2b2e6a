// A view of rows and columns on memory that something else owns.

/// A row-major `[rows, columns]` view; `stride` scalars lie between the starts of two rows.
///
/// A view owns nothing: it is valid while the ``Buffer`` (or message) under it lives. Modules above pass views along;
/// only `Numerics` and `Messaging` make them from pointers.
public struct Matrix<Scalar: BitwiseCopyable> {
    /// The first element of the first row.
    public let base: UnsafeMutablePointer<Scalar>
    /// The number of rows.
    public let rows: Int
    /// The number of columns.
    public let columns: Int
    /// Scalars between the starts of two rows; at least `columns`.
    public let stride: Int

    /// A view of `rows` × `columns` scalars at `base`.
    public init(base: UnsafeMutablePointer<Scalar>, rows: Int, columns: Int, stride: Int) {
        precondition(rows >= 0 && columns >= 0 && stride >= columns, "a matrix view of impossible shape")
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// A view of a whole buffer as `[rows, columns]`.
    public init(_ buffer: borrowing Buffer<Scalar>, rows: Int, columns: Int) {
        precondition(rows * columns <= buffer.count, "the buffer has \(buffer.count) scalars, not \(rows * columns)")
        self.init(base: buffer.pointer, rows: rows, columns: columns, stride: columns)
    }

    /// The number of elements.
    public var count: Int { rows * columns }
    /// Whether no gap lies between two rows.
    public var isContiguous: Bool { stride == columns || rows <= 1 }

    /// The rows of `range`, as a view.
    public func rows(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return Matrix(base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    /// The columns of `range`, as a view.
    public func columns(_ range: Range<Int>) -> Matrix {
        precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return Matrix(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// The elements of a matrix without gaps as one row.
    public var asRow: Matrix {
        precondition(isContiguous || columns == 1 && stride == 1, "the rows have gaps between them")
        return Matrix(base: base, rows: 1, columns: count, stride: count)
    }

    /// The element in `row` and `column`.
    public subscript(row: Int, column: Int) -> Scalar {
        get { base[row * stride + column] }
        nonmutating set { base[row * stride + column] = newValue }
    }

    /// Sets every bit of every row to zero.
    public func clear() {
        for row in 0..<rows {
            let start = UnsafeMutableRawPointer(base + row * stride)
            start.initializeMemory(as: UInt8.self, repeating: 0, count: columns * MemoryLayout<Scalar>.stride)
        }
    }

    /// Copies the elements of a matrix of the same shape.
    public func copy(from source: Matrix) {
        precondition(source.rows == rows && source.columns == columns, "shapes differ")
        for row in 0..<rows { (base + row * stride).update(from: source.base + row * source.stride, count: columns) }
    }

    /// Copies `count` elements of an array, row by row.
    public func copy(from elements: ArraySlice<Scalar>) {
        precondition(elements.count == count, "\(elements.count) elements for \(count)")
        elements.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            for row in 0..<rows { (base + row * stride).update(from: start + row * columns, count: columns) }
        }
    }

    /// Appends the elements to an array, row by row.
    public func append(to elements: inout [Scalar]) {
        for row in 0..<rows {
            elements.append(contentsOf: UnsafeBufferPointer(start: base + row * stride, count: columns))
        }
    }

    /// The elements, row by row.
    public var elements: [Scalar] {
        var result: [Scalar] = []
        result.reserveCapacity(count)
        append(to: &result)
        return result
    }
}
