// What can be wrong with a safetensors file, or with a request to one.

/// Why bytes are not a valid safetensors file, or why a tensor cannot be read or written as asked.
public enum SafetensorsError: Error, Equatable, Sendable {
    /// The file ends before the header does; sizes in bytes.
    case truncated(expected: Int, found: Int)
    /// The header claims more bytes than are read.
    case headerTooLong(bytes: UInt64, limit: Int)
    /// The header is not the JSON that the format prescribes.
    case header(reason: String)
    /// An element type that this decoder does not know.
    case unknownType(tensor: String, type: String)
    /// A dimension is negative, or the product of the dimensions overflows.
    case invalidShape(tensor: String, shape: [Int])
    /// The tensor's bytes do not follow those of the tensor before it; offsets from the end of the header.
    case misplaced(tensor: String, expected: Int, found: Int)
    /// The tensor has not the size that its shape and type need; in bytes.
    case size(tensor: String, expected: Int, found: Int)
    /// The data is longer or shorter than all tensors together; in bytes.
    case dataSize(expected: Int, found: Int)
    /// A name that was given twice, or the reserved `__metadata__`.
    case invalidName(tensor: String)
    /// The file has no tensor of this name.
    case noTensor(name: String)
    /// The tensor has another element type than was asked for.
    case type(tensor: String, expected: TensorType, found: TensorType)
    /// The tensor has another shape than was asked for.
    case shape(tensor: String, expected: [Int], found: [Int])
}

extension SafetensorsError: CustomStringConvertible {
    /// One line that names the tensor, what was expected and what was found.
    public var description: String {
        switch self {
        case .truncated(let expected, let found):
            "truncated safetensors file: expected at least \(expected) bytes, found \(found)"
        case .headerTooLong(let bytes, let limit):
            "not a safetensors file: its header would have \(bytes) bytes (at most \(limit) are allowed)"
        case .header(let reason):
            "not a safetensors file: \(reason)"
        case .unknownType(let tensor, let type):
            "tensor '\(tensor)' has the unknown element type '\(type)'"
        case .invalidShape(let tensor, let shape):
            "tensor '\(tensor)' has the impossible shape \(shape)"
        case .misplaced(let tensor, let expected, let found):
            "tensor '\(tensor)' expected at data offset \(expected), found at \(found)"
        case .size(let tensor, let expected, let found):
            "tensor '\(tensor)': expected \(expected) bytes, found \(found)"
        case .dataSize(let expected, let found):
            "expected \(expected) bytes of tensors, found \(found)"
        case .invalidName(let tensor):
            "the tensor name '\(tensor)' is reserved or was given twice"
        case .noTensor(let name):
            "no tensor '\(name)' in the file"
        case .type(let tensor, let expected, let found):
            "tensor '\(tensor)': expected elements of type \(expected.rawValue), found \(found.rawValue)"
        case .shape(let tensor, let expected, let found):
            "tensor '\(tensor)': expected shape \(expected), found \(found)"
        }
    }
}
