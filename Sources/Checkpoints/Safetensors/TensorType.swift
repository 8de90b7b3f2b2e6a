// The element types of safetensors, in the order in which the package lays tensors out.

/// The type of a tensor's elements, under its name in a safetensors header.
///
/// Rondo writes `float32`, `float64`, `int64` and `uint8`; the others are known so that any file of PyTorch can be
/// described and its bytes be read.
public enum TensorType: String, Sendable, CaseIterable {
    // From last to first in the file: the `safetensors` package sorts by descending type, then by ascending name, so
    // that wide elements come first and every tensor is aligned.
    /// One byte a value, 0 or 1.
    case bool = "BOOL"
    /// Unsigned 8-bit integers.
    case uint8 = "U8"
    /// Signed 8-bit integers.
    case int8 = "I8"
    /// 8-bit floating point, 5 exponent bits.
    case float8E5M2 = "F8_E5M2"
    /// 8-bit floating point, 4 exponent bits.
    case float8E4M3 = "F8_E4M3"
    /// 8-bit powers of two.
    case float8E8M0 = "F8_E8M0"
    /// Signed 16-bit integers.
    case int16 = "I16"
    /// Unsigned 16-bit integers.
    case uint16 = "U16"
    /// IEEE half precision.
    case float16 = "F16"
    /// The upper half of a single.
    case bfloat16 = "BF16"
    /// Signed 32-bit integers.
    case int32 = "I32"
    /// Unsigned 32-bit integers.
    case uint32 = "U32"
    /// IEEE single precision.
    case float32 = "F32"
    /// Pairs of singles.
    case complex64 = "C64"
    /// IEEE double precision.
    case float64 = "F64"
    /// Signed 64-bit integers.
    case int64 = "I64"
    /// Unsigned 64-bit integers.
    case uint64 = "U64"

    /// The size of one element.
    public var elementBytes: Int {
        switch self {
        case .bool, .uint8, .int8, .float8E5M2, .float8E4M3, .float8E8M0: 1
        case .int16, .uint16, .float16, .bfloat16: 2
        case .int32, .uint32, .float32: 4
        case .complex64, .float64, .int64, .uint64: 8
        }
    }

    /// The place of the type in the file: lower ranks come first.
    var layoutRank: Int {
        switch self {
        case .uint64: 0
        case .int64: 1
        case .float64: 2
        case .complex64: 3
        case .float32: 4
        case .uint32: 5
        case .int32: 6
        case .bfloat16: 7
        case .float16: 8
        case .uint16: 9
        case .int16: 10
        case .float8E8M0: 11
        case .float8E4M3: 12
        case .float8E5M2: 13
        case .int8: 14
        case .uint8: 15
        case .bool: 16
        }
    }
}
