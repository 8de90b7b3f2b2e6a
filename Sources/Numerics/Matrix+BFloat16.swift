// bfloat16 numbers as bytes: half the size of single precision, for the wire.

import CKernels

extension Matrix where Scalar == Float {
    /// Writes all elements row by row, 2 little-endian bytes each: rounded to the nearest number of 8 significant bits,
    /// ties to even; NaN stays NaN, and what lies beyond the largest number becomes infinite. The same bits on every
    /// instruction set.
    ///
    /// - Parameter bytes: 2 ``count`` bytes at any address.
    public func copyRounded(toBFloat16 bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == 2 * count, "\(bytes.count) bytes for \(count) numbers of 2")
        guard let start = bytes.baseAddress else { return }
        if isContiguous { return Scalar.kernels.toBFloat16(count, base, start) }
        for row in 0..<rows { Scalar.kernels.toBFloat16(columns, base + row * stride, start + 2 * row * columns) }
    }

    /// Reads all elements row by row, 2 little-endian bytes each, exactly.
    ///
    /// - Parameter bytes: 2 ``count`` bytes at any address.
    public func copy(fromBFloat16 bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 2 * count, "\(bytes.count) bytes for \(count) numbers of 2")
        guard let start = bytes.baseAddress else { return }
        if isContiguous { return Scalar.kernels.fromBFloat16(count, start, base) }
        for row in 0..<rows { Scalar.kernels.fromBFloat16(columns, start + 2 * row * columns, base + row * stride) }
    }

    /// Rounds all elements to bfloat16 where they are; see ``copyRounded(toBFloat16:)``.
    public func roundToBFloat16() {
        // Through a buffer that stays in the first-level cache.
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 64) { buffer in
            for row in 0..<(isContiguous ? 1 : rows) {
                let length = isContiguous ? count : columns
                for start in Swift.stride(from: 0, to: length, by: 4096) {
                    let piece = min(4096, length - start)
                    guard let bytes = buffer.baseAddress else { return }
                    Scalar.kernels.toBFloat16(piece, base + row * stride + start, bytes)
                    Scalar.kernels.fromBFloat16(piece, bytes, base + row * stride + start)
                }
            }
        }
    }

    /// Writes all elements row by row, without gaps, as they are or rounded.
    ///
    /// - Parameter bytes: as many as the elements take in that precision.
    public func write(to bytes: UnsafeMutableRawBufferPointer, precision: Precision) {
        if precision == .bfloat16 { return copyRounded(toBFloat16: bytes) }
        let rowBytes = columns * MemoryLayout<Float>.stride
        precondition(bytes.count == rows * rowBytes, "\(bytes.count) bytes for \(count) numbers of 4")
        for row in 0..<rows {
            UnsafeMutableRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes]).copyMemory(
                from: UnsafeRawBufferPointer(start: base + row * stride, count: rowBytes))
        }
    }

    /// Reads all elements row by row, without gaps; the bytes may lie at any address.
    ///
    /// - Parameter bytes: as many as the elements take in that precision.
    public func read(from bytes: UnsafeRawBufferPointer, precision: Precision) {
        if precision == .bfloat16 { return copy(fromBFloat16: bytes) }
        let rowBytes = columns * MemoryLayout<Float>.stride
        precondition(bytes.count == rows * rowBytes, "\(bytes.count) bytes for \(count) numbers of 4")
        for row in 0..<rows {
            UnsafeMutableRawBufferPointer(start: base + row * stride, count: rowBytes).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes]))
        }
    }
}
