// The kernels of products in one precision.

import CKernels

/// Packing and products with operands in one precision, as the C header documents them; packed operands are untyped.
struct ProductKernels<Scalar: BitwiseCopyable>: @unchecked Sendable {
    typealias Rows = UnsafePointer<Int32>?

    let packedLeftBytes: (_ M: Int, _ K: Int) -> Int
    let packedRightBytes: (_ K: Int, _ N: Int) -> Int
    let packLeft:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: Rows, _ M: Int, _ K: Int,
            _ packed: UnsafeMutableRawPointer
        ) -> Void
    let packLeftTransposed:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: Rows, _ M: Int, _ K: Int,
            _ packed: UnsafeMutableRawPointer
        ) -> Void
    let packRight:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ rows: Rows, _ K: Int, _ N: Int,
            _ packed: UnsafeMutableRawPointer
        ) -> Void
    let packRightTransposed:
        (
            _ source: UnsafePointer<Scalar>, _ stride: Int, _ K: Int, _ N: Int, _ packed: UnsafeMutableRawPointer
        ) -> Void
    let product:
        (
            _ packedLeft: UnsafeRawPointer, _ packedRight: UnsafeRawPointer, _ M: Int, _ N: Int, _ K: Int,
            _ C: UnsafeMutablePointer<Scalar>, _ strideC: Int, _ store: RondoStore, _ bias: UnsafePointer<Scalar>?
        ) -> Void
}

extension UnsafeMutableRawPointer {
    fileprivate func of<Word>(_ type: Word.Type) -> UnsafeMutablePointer<Word> { assumingMemoryBound(to: type) }
}

extension UnsafeRawPointer {
    fileprivate func of<Word>(_ type: Word.Type) -> UnsafePointer<Word> { assumingMemoryBound(to: type) }
}

extension ProductKernels<Float> {
    /// Products on single-precision operands.
    init(single table: RondoKernelsFloat) {
        packedLeftBytes = { MemoryLayout<Float>.stride * table.packedLeftCount($0, $1) }
        packedRightBytes = { MemoryLayout<Float>.stride * table.packedRightCount($0, $1) }
        packLeft = { table.packLeft($0, $1, $2, $3, $4, $5.of(Float.self)) }
        packLeftTransposed = { table.packLeftTransposed($0, $1, $2, $3, $4, $5.of(Float.self)) }
        packRight = { table.packRight($0, $1, $2, $3, $4, $5.of(Float.self)) }
        packRightTransposed = { table.packRightTransposed($0, $1, $2, $3, $4.of(Float.self)) }
        product = { table.product($0.of(Float.self), $1.of(Float.self), $2, $3, $4, $5, $6, $7, $8) }
    }

    /// Products on operands rounded to bfloat16, two in a word.
    init(bfloat16 table: RondoKernelsFloat) {
        packedLeftBytes = { MemoryLayout<UInt32>.stride * table.packedLeftCountBFloat16($0, $1) }
        packedRightBytes = { MemoryLayout<UInt32>.stride * table.packedRightCountBFloat16($0, $1) }
        packLeft = { table.packLeftBFloat16($0, $1, $2, $3, $4, $5.of(UInt32.self)) }
        packLeftTransposed = { table.packLeftTransposedBFloat16($0, $1, $2, $3, $4, $5.of(UInt32.self)) }
        packRight = { table.packRightBFloat16($0, $1, $2, $3, $4, $5.of(UInt32.self)) }
        packRightTransposed = { table.packRightTransposedBFloat16($0, $1, $2, $3, $4.of(UInt32.self)) }
        product = { table.productBFloat16($0.of(UInt32.self), $1.of(UInt32.self), $2, $3, $4, $5, $6, $7, $8) }
    }
}

extension ProductKernels<Double> {
    /// Products on double-precision operands.
    init(single table: RondoKernelsDouble) {
        packedLeftBytes = { MemoryLayout<Double>.stride * table.packedLeftCount($0, $1) }
        packedRightBytes = { MemoryLayout<Double>.stride * table.packedRightCount($0, $1) }
        packLeft = { table.packLeft($0, $1, $2, $3, $4, $5.of(Double.self)) }
        packLeftTransposed = { table.packLeftTransposed($0, $1, $2, $3, $4, $5.of(Double.self)) }
        packRight = { table.packRight($0, $1, $2, $3, $4, $5.of(Double.self)) }
        packRightTransposed = { table.packRightTransposed($0, $1, $2, $3, $4.of(Double.self)) }
        product = { table.product($0.of(Double.self), $1.of(Double.self), $2, $3, $4, $5, $6, $7, $8) }
    }
}
