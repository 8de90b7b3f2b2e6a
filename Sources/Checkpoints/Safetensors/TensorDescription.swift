// A tensor as a safetensors header describes it, and as a writer declares it.

/// A tensor that is to be written: everything about it but its place in the file and its bytes.
public struct TensorDeclaration: Equatable, Sendable {
    /// The name, as in a PyTorch `state_dict`.
    public var name: String
    /// The element type.
    public var type: TensorType
    /// The lengths of the dimensions, outermost first; empty for a scalar.
    public var shape: [Int]

    /// Declares a tensor, of single precision unless said otherwise.
    public init(_ name: String, type: TensorType = .float32, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }
}

/// A tensor in a safetensors file.
public struct TensorDescription: Equatable, Sendable {
    /// The name, as in a PyTorch `state_dict`.
    public let name: String
    /// The element type.
    public let type: TensorType
    /// The lengths of the dimensions, outermost first, row-major; empty for a scalar.
    public let shape: [Int]
    /// Where its bytes lie, counted from the beginning of the file.
    public let byteRange: Range<Int>

    /// The number of elements.
    public var count: Int { byteRange.count / type.elementBytes }

    /// The size that a type and a shape need, or nil when a dimension is negative or the product overflows.
    static func byteCount(type: TensorType, shape: [Int]) -> Int? {
        var bytes = type.elementBytes
        for dimension in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            bytes = product
        }
        return bytes
    }
}
