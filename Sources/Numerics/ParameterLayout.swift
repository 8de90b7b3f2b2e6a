// The names, shapes and places of a model's parameters in one flat array.

/// One parameter tensor, as a matrix of `rows` × `columns` in the flat array of all parameters.
public struct ParameterTensor: Sendable, Hashable, Codable {
    /// The name that PyTorch's `state_dict` would give it, as `recurrent.weight_ih_l0`.
    public let name: String
    /// The shape in PyTorch: `[rows, columns]`, or `[rows]` for a vector.
    public let shape: [Int]
    /// Whether a step touches only some rows (an embedding): gradients and updates then travel row by row.
    public let isRowSparse: Bool
    /// The place of the first element in the flat array.
    public let offset: Int

    /// The first dimension.
    public var rows: Int { shape[0] }
    /// The second dimension; 1 for a vector.
    public var columns: Int { shape.count > 1 ? shape[1] : 1 }
    /// The number of elements.
    public var count: Int { rows * columns }

    /// A tensor at `offset`.
    public init(name: String, shape: [Int], isRowSparse: Bool, offset: Int) {
        precondition(shape.count == 1 || shape.count == 2, "parameters are vectors or matrices")
        self.name = name
        self.shape = shape
        self.isRowSparse = isRowSparse
        self.offset = offset
    }
}

/// Whole rows of one tensor, at most 1 MiB of single-precision values: the unit in which gradients and weights travel,
/// norms are summed and Adam runs. The division depends on nothing but the layout.
public struct ParameterChunk: Sendable, Hashable {
    /// The tensor's index in the layout.
    public let tensor: Int
    /// The rows of the tensor.
    public let rows: Range<Int>
    /// The elements in the flat array of all parameters.
    public let elements: Range<Int>
}

/// The parameters of a model, in order.
public struct ParameterLayout: Sendable, Equatable {
    /// Elements of the largest chunk: 1 MiB of single precision.
    public static let chunkElementsMaximum = 262_144

    /// The tensors in the order in which the forward pass needs them.
    public private(set) var tensors: [ParameterTensor] = []
    /// The chunks of all tensors, in order.
    public private(set) var chunks: [ParameterChunk] = []
    /// The number of all elements.
    public private(set) var count = 0

    /// A layout without tensors.
    public init() {}

    /// Adds a tensor at the end and returns its index. Every tensor starts at a multiple of 16 elements.
    @discardableResult
    public mutating func append(_ name: String, _ shape: [Int], isRowSparse: Bool = false) -> Int {
        let tensor = ParameterTensor(name: name, shape: shape, isRowSparse: isRowSparse, offset: count)
        let rowsPerChunk = Self.rowsPerChunk(columns: tensor.columns)
        for first in stride(from: 0, to: tensor.rows, by: rowsPerChunk) {
            let rows = first..<min(first + rowsPerChunk, tensor.rows)
            let start = count + first * tensor.columns
            chunks.append(
                ParameterChunk(tensor: tensors.count, rows: rows, elements: start..<start + rows.count * tensor.columns)
            )
        }
        tensors.append(tensor)
        count += (tensor.count + 15) / 16 * 16
        return tensors.count - 1
    }

    private static func rowsPerChunk(columns: Int) -> Int { max(1, chunkElementsMaximum / max(1, columns)) }

    /// The number of chunks that a tensor of this shape is divided into.
    public static func chunkCount(rows: Int, columns: Int) -> Int {
        let rowsPerChunk = rowsPerChunk(columns: columns)
        return (rows + rowsPerChunk - 1) / rowsPerChunk
    }

    /// The indices of the chunks of one tensor.
    public func chunkIndices(ofTensor tensor: Int) -> Range<Int> {
        let first = chunks.firstIndex { $0.tensor == tensor } ?? chunks.count
        let end = chunks[first...].firstIndex { $0.tensor != tensor } ?? chunks.count
        return first..<end
    }

    /// The index of the tensor of this name.
    public func index(of name: String) -> Int? { tensors.firstIndex { $0.name == name } }

    /// One tensor's values in the flat array of all parameters, as `[rows, columns]`.
    public func matrix<Scalar>(ofTensor tensor: Int, in parameters: borrowing Buffer<Scalar>) -> Matrix<Scalar> {
        precondition(parameters.count >= count, "the array has \(parameters.count) of \(count) parameters")
        let place = tensors[tensor]
        return Matrix(
            base: parameters.pointer + place.offset, rows: place.rows, columns: place.columns, stride: place.columns)
    }

    /// One chunk's values in the flat array of all parameters, as `[rows, columns]`.
    public func matrix<Scalar>(ofChunk chunk: Int, in parameters: borrowing Buffer<Scalar>) -> Matrix<Scalar> {
        matrix(ofTensor: chunks[chunk].tensor, in: parameters).rows(chunks[chunk].rows)
    }
}
