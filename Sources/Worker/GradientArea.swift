// Memory for gradients that a server on the same machine reads where they lie.

import Platform

/// The gradients of one step after the other, in memory that servers of this machine map: a push then carries a place
/// instead of values, and nothing is copied.
///
/// The gradients of a step may be overwritten once a later step begins: that begins only when all servers have applied
/// the one before. A second lease of the same step goes behind the first.
final class GradientArea {
    let memory: SharedMemory
    private var sum = -1
    private var used = 0

    /// The alignment of every piece: the widest vector, and a line of the cache.
    private static let alignmentBytes = 64

    /// Memory for gradients of `byteCount` bytes in all; pages that are never written cost nothing.
    ///
    /// - Throws: `SharedMemoryError` where there is no such memory.
    init(byteCount: Int) throws(SharedMemoryError) {
        memory = try SharedMemory(byteCount: max(Self.alignmentBytes, byteCount))
    }

    /// A lease whose gradients belong to `sum` begins.
    func begin(sum: Int) {
        if sum != self.sum { used = 0 }
        self.sum = sum
    }

    /// Memory for one partial sum and its place; `nil` when there is no room left.
    func reserve(byteCount: Int) -> (bytes: UnsafeMutableRawBufferPointer, place: Int)? {
        let length = (byteCount + Self.alignmentBytes - 1) / Self.alignmentBytes * Self.alignmentBytes
        guard byteCount > 0, used + length <= memory.bytes.count else { return nil }
        defer { used += length }
        return (UnsafeMutableRawBufferPointer(rebasing: memory.bytes[used..<used + byteCount]), used)
    }
}
