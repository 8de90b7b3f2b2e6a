// Aligned memory with one owner.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A fixed number of scalars in memory aligned to 64 bytes, freed with its owner.
///
///     let buffer = Buffer<Float>(count: 1024)          // zeros
///     buffer.pointer[3] = 1
///
/// Allocation is O(count), everything else O(1). Running out of memory stops the process: no caller could go on.
public struct Buffer<Scalar: BitwiseCopyable>: ~Copyable {
    /// The memory; valid while the buffer lives.
    public let pointer: UnsafeMutablePointer<Scalar>
    /// The number of scalars.
    public let count: Int

    /// Memory of `count` scalars, all bits zero.
    public init(count: Int) {
        precondition(count >= 0, "a buffer holds at least no scalars, not \(count)")
        let bytes = max(64, count * MemoryLayout<Scalar>.stride)
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 64, bytes) == 0, let raw else {
            fatalError("out of memory: \(bytes) bytes could not be had")
        }
        memset(raw, 0, bytes)
        self.pointer = raw.bindMemory(to: Scalar.self, capacity: max(1, count))
        self.count = count
    }

    deinit { free(pointer) }

    /// Sets all bits to zero.
    public func clear() { memset(pointer, 0, count * MemoryLayout<Scalar>.stride) }

    /// The scalars as an unsafe view, valid while the buffer lives.
    public var elements: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: pointer, count: count) }
}

/// A buffer that is reused from step to step and only ever grows.
public struct GrowingBuffer<Scalar: BitwiseCopyable>: ~Copyable {
    private var storage: Buffer<Scalar>

    /// An empty buffer.
    public init() { storage = Buffer(count: 0) }

    /// Memory for `count` scalars; the content is unspecified.
    public mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Scalar> {
        if count > storage.count { storage = Buffer(count: count + count / 8) }
        return storage.pointer
    }

    /// A `[rows, columns]` view of the memory; the content is unspecified.
    public mutating func matrix(rows: Int, columns: Int) -> Matrix<Scalar> {
        Matrix(base: reserve(rows * columns), rows: rows, columns: columns, stride: columns)
    }
    /// A `[rows, columns]` view of the memory with all bits zero.
    public mutating func clearedMatrix(rows: Int, columns: Int) -> Matrix<Scalar> {
        let view = matrix(rows: rows, columns: columns)
        view.clear()
        return view
    }
}
