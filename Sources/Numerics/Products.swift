// Packed operands and the matrix product.

import CKernels

/// What a product does with the elements of the matrix it writes.
public enum ProductStore<Scalar: BitwiseCopyable> {
    /// C = A B
    case replace
    /// C = C + A B, with one addition after the accumulation: a sum of two products is exactly left + right.
    case add
    /// C = A B + bias, one bias value a column; the values lie without gaps.
    case bias(Matrix<Scalar>)
}

/// A right operand B `[inner, columns]` in the layout that the product reads, in single precision or rounded.
public struct PackedRight<Scalar: KernelScalar>: ~Copyable {
    private var storage = GrowingBuffer<UInt8>()
    /// What the elements are rounded to when packed.
    public let precision: Precision
    /// Rows of B.
    public private(set) var inner = 0
    /// Columns of B.
    public private(set) var columns = 0
    fileprivate var base: UnsafeMutableRawPointer
    fileprivate let kernels: ProductKernels<Scalar>

    /// An operand that is not packed yet.
    public init(precision: Precision = .single) {
        self.precision = precision
        kernels = Scalar.productKernels(precision)
        base = UnsafeMutableRawPointer(storage.reserve(1))
    }

    /// B = source, or the rows of it that `rows` lists.
    @specialized(where Scalar == Float)
    public mutating func pack(_ source: Matrix<Scalar>, rows: [Int32]? = nil) {
        prepare(inner: rows?.count ?? source.rows, columns: source.columns)
        kernels.packRight(source.base, source.stride, rows, inner, columns, base)
    }

    /// B = sourceᵀ: packs weights W `[out, in]` for x Wᵀ.
    @specialized(where Scalar == Float)
    public mutating func packTransposed(_ source: Matrix<Scalar>) {
        prepare(inner: source.columns, columns: source.rows)
        kernels.packRightTransposed(source.base, source.stride, inner, columns, base)
    }

    private mutating func prepare(inner: Int, columns: Int) {
        self.inner = inner
        self.columns = columns
        base = UnsafeMutableRawPointer(storage.reserve(kernels.packedRightBytes(inner, columns)))
    }
}

/// A left operand A `[rows, inner]` in the layout that the product reads, in single precision or rounded.
public struct PackedLeft<Scalar: KernelScalar>: ~Copyable {
    private var storage = GrowingBuffer<UInt8>()
    /// What the elements are rounded to when packed.
    public let precision: Precision
    /// Rows of A.
    public private(set) var rows = 0
    /// Columns of A.
    public private(set) var inner = 0
    fileprivate var base: UnsafeMutableRawPointer
    fileprivate let kernels: ProductKernels<Scalar>

    /// An operand that is not packed yet.
    public init(precision: Precision = .single) {
        self.precision = precision
        kernels = Scalar.productKernels(precision)
        base = UnsafeMutableRawPointer(storage.reserve(1))
    }

    /// A = source, or the rows of it that `rows` lists.
    @specialized(where Scalar == Float)
    public mutating func pack(_ source: Matrix<Scalar>, rows list: [Int32]? = nil) {
        prepare(rows: list?.count ?? source.rows, inner: source.columns)
        kernels.packLeft(source.base, source.stride, list, rows, inner, base)
    }

    /// A = sourceᵀ, over the rows of `source` that `rows` lists: the left operand of a weight gradient.
    @specialized(where Scalar == Float)
    public mutating func packTransposed(_ source: Matrix<Scalar>, rows list: [Int32]? = nil) {
        prepare(rows: source.columns, inner: list?.count ?? source.rows)
        kernels.packLeftTransposed(source.base, source.stride, list, rows, inner, base)
    }

    private mutating func prepare(rows: Int, inner: Int) {
        self.rows = rows
        self.inner = inner
        base = UnsafeMutableRawPointer(storage.reserve(kernels.packedLeftBytes(rows, inner)))
    }
}

/// C `[rows, columns]` = A B, each element one chain of fused multiply-adds in ascending inner index (in bfloat16, by
/// pairs; see ``Precision``). Both operands have the same precision.
@specialized(where Scalar == Float)
public func multiply<Scalar: KernelScalar>(
    _ left: borrowing PackedLeft<Scalar>, _ right: borrowing PackedRight<Scalar>, into result: Matrix<Scalar>,
    store: ProductStore<Scalar> = .replace
) {
    precondition(left.precision == right.precision, "operands of different precisions")
    precondition(left.inner == right.inner, "inner dimensions differ: \(left.inner) and \(right.inner)")
    precondition(result.rows == left.rows && result.columns == right.columns, "the result has another shape")
    let mode: RondoStore
    var bias: UnsafePointer<Scalar>?
    switch store {
    case .replace: mode = RondoStoreReplace
    case .add: mode = RondoStoreAdd
    case .bias(let values):
        precondition(values.count == right.columns && (values.isContiguous || values.stride == 1), "one bias a column")
        mode = RondoStoreBias
        bias = UnsafePointer(values.base)
    }
    left.kernels.product(
        left.base, right.base, left.rows, right.columns, left.inner, result.base, result.stride, mode, bias)
}
