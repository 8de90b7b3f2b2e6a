// Memory for what a step computes that a server on the same machine reads where it lies.

import Platform

/// The gradients and carried states of one step after the other, in memory that servers of this machine map: a message
/// then carries a place instead of values, and nothing is copied or encrypted.
///
/// What a step left may be overwritten once a later step begins: that begins only when all servers have applied
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

    /// Copies the carried states of a span into the memory, one behind the other.
    ///
    /// - Parameter states: `[shard][state]`.
    /// - Returns: Where they begin; `nil` when there is no room left, or nothing to copy.
    func place(_ states: [[Float]]) -> Int? {
        let floatBytes = MemoryLayout<Float>.stride
        guard let area = reserve(byteCount: states.reduce(0) { $0 + $1.count } * floatBytes) else { return nil }
        var used = 0
        for state in states {
            state.withUnsafeBytes { area.bytes[used..<used + $0.count].copyBytes(from: $0) }
            used += state.count * floatBytes
        }
        return area.place
    }

    /// Memory for one partial sum or the states of a span, and its place; `nil` when there is no room left.
    func reserve(byteCount: Int) -> (bytes: UnsafeMutableRawBufferPointer, place: Int)? {
        let length = (byteCount + Self.alignmentBytes - 1) / Self.alignmentBytes * Self.alignmentBytes
        guard byteCount > 0, used + length <= memory.bytes.count else { return nil }
        defer { used += length }
        return (UnsafeMutableRawBufferPointer(rebasing: memory.bytes[used..<used + byteCount]), used)
    }
}
