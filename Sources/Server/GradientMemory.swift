// Where the values of a partial sum lie.

import Messaging
import Numerics
import Platform

/// The memory of a partial sum: the frame in which it came, or a stretch of what its worker shares. The sums of the
/// reduction tree are formed in it.
enum GradientMemory {
    case frame(FrameBox)
    /// Bytes that start at a multiple of 64, and whose count was checked.
    case shared(SharedMemory, Range<Int>)

    /// New memory for `count` floats.
    init(count: Int) { self = .frame(FrameBox(Frame(alignedByteCount: count * MemoryLayout<Float>.stride))) }

    /// The values of a push that come in frames: floats as they are, bfloat16 as floats.
    init(_ received: consuming Frame, precision: Precision) {
        var frame = received
        switch precision {
        case .single:
            _ = frame.align(to: MemoryLayout<Float>.alignment)
            self = .frame(FrameBox(frame))
        case .bfloat16:
            self = GradientMemory(count: frame.count / 2)
            withFloats { floats in frame.withUnsafeBytes { floats.copy(fromBFloat16: $0) } }
        }
    }

    /// A stretch of a worker's memory, if it lies in it and begins where vectors may.
    init?(_ memory: SharedMemory?, offset: UInt64, byteCount: Int) {
        guard let memory, offset % 64 == 0, offset <= UInt64(memory.bytes.count),
            byteCount <= memory.bytes.count - Int(offset)
        else { return nil }
        self = .shared(memory, Int(offset)..<Int(offset) + byteCount)
    }

    /// All values as one row.
    func withFloats<Result>(_ body: (Matrix<Float>) -> Result) -> Result {
        switch self {
        case .frame(let box): box.withUnsafeMutableBytes { Self.withFloats($0, body) }
        case .shared(let memory, let range):
            Self.withFloats(UnsafeMutableRawBufferPointer(rebasing: memory.bytes[range]), body)
        }
    }

    private static func withFloats<Result>(
        _ bytes: UnsafeMutableRawBufferPointer, _ body: (Matrix<Float>) -> Result
    ) -> Result {
        let count = bytes.count / MemoryLayout<Float>.stride
        guard let base = bytes.baseAddress, count > 0 else {
            var nothing: Float = 0
            return withUnsafeMutablePointer(to: &nothing) {
                body(Matrix(base: $0, rows: 1, columns: 0, stride: 0))
            }
        }
        return body(Matrix(base: base.assumingMemoryBound(to: Float.self), rows: 1, columns: count, stride: count))
    }
}

extension Matrix {
    /// Some columns of the only row.
    func slice(_ range: Range<Int>) -> Matrix { columns(range) }

    /// The only row as `[rows, columns]`.
    func reshaped(columns count: Int) -> Matrix {
        Matrix(base: base, rows: columns / count, columns: count, stride: count)
    }
}
