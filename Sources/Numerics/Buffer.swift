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
/// Everything is O(1) but the allocation of small buffers. Pages of large ones (2 MiB and more) come from the operating
/// system when they are first touched, as huge pages where it has them. Running out of memory ends the process, with
/// one line and exit code 70: no caller could go on.
public struct Buffer<Scalar: BitwiseCopyable>: ~Copyable {
    /// The memory; valid while the buffer lives.
    public let pointer: UnsafeMutablePointer<Scalar>
    /// The number of scalars.
    public let count: Int
    private let origin: MemoryOrigin

    /// Memory of `count` scalars, all bits zero.
    public init(count: Int) {
        precondition(count >= 0, "a buffer holds at least no scalars, not \(count)")
        let (byteCount, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Scalar>.stride)
        let (address, origin) = MemoryOrigin.zeros(byteCount: overflows ? .max : byteCount)
        pointer = address.bindMemory(to: Scalar.self, capacity: max(1, count))
        self.count = count
        self.origin = origin
    }

    /// Memory that somebody else has: as many scalars as fit into it. `release` is called when the buffer goes.
    ///
    /// - Precondition: the memory is aligned to 64 bytes and initialized.
    public init(lending memory: UnsafeMutableRawBufferPointer, release: @escaping () -> Void) {
        guard let address = memory.baseAddress, Int(bitPattern: address) % 64 == 0 else {
            preconditionFailure("a buffer needs memory aligned to 64 bytes")
        }
        count = memory.count / MemoryLayout<Scalar>.stride
        pointer = address.bindMemory(to: Scalar.self, capacity: max(1, count))
        origin = .lent(release)
    }

    deinit { origin.free(pointer) }

    /// Sets all bits to zero.
    public func clear() { memset(pointer, 0, count * MemoryLayout<Scalar>.stride) }

    /// The scalars as an unsafe view, valid while the buffer lives.
    public var elements: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: pointer, count: count) }
}

/// Where a buffer's memory is from, and so how it is given back.
private enum MemoryOrigin {
    case allocated
    case mapped(byteCount: Int)
    case lent(() -> Void)

    /// What is large enough to be mapped: a huge page.
    static var pageBytes: Int { 2 << 20 }

    static func zeros(byteCount: Int) -> (UnsafeMutableRawPointer, MemoryOrigin) {
        guard byteCount <= Int.max - 2 * pageBytes else { outOfMemory(byteCount) }
        if byteCount >= pageBytes { return (mapZeros(byteCount), .mapped(byteCount: byteCount)) }
        var address: UnsafeMutableRawPointer?
        guard posix_memalign(&address, 64, max(64, byteCount)) == 0, let address else { outOfMemory(byteCount) }
        memset(address, 0, max(64, byteCount))
        return (address, .allocated)
    }

    /// Whole huge pages: without the alignment the system would fill both ends with small ones.
    private static func mapZeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let bytes = (byteCount + pageBytes - 1) / pageBytes * pageBytes
        let found = mmap(nil, bytes + pageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
        guard let found, found != MAP_FAILED else { outOfMemory(byteCount) }
        let before = (pageBytes - Int(bitPattern: found) % pageBytes) % pageBytes
        if before > 0 { munmap(found, before) }
        munmap(found + before + bytes, pageBytes - before)
        #if os(Linux)
        madvise(found + before, bytes, MADV_HUGEPAGE)
        #endif
        return found + before
    }

    func free(_ address: UnsafeMutableRawPointer) {
        switch self {
        case .allocated: systemFree(address)
        case .mapped(let byteCount):
            munmap(address, (byteCount + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes)
        case .lent(let release): release()
        }
    }

    private static func outOfMemory(_ byteCount: Int) -> Never { OutOfMemory.end(byteCount) }
}

private func systemFree(_ address: UnsafeMutableRawPointer) { free(address) }

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
