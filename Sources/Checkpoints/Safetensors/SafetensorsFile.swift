// Reading of safetensors files.

/// A safetensors file, open for reading.
///
///     let file = try SafetensorsFile(path: "model.safetensors")
///     for tensor in file.tensors { print(tensor.name, tensor.shape) }
///     let bias = try file.readFloats("decoder.bias", shape: [65])
///
/// Opening checks the whole header. The tensors are mapped: nothing is read before it is touched, and nothing is
/// copied but on request. Keep files that are in use as they are: who truncates a mapped file kills its reader.
/// (Rondo itself only ever replaces files by renaming, which readers do not notice.) A file on a disk that may go away
/// is better opened with `inMemory: true`.
public struct SafetensorsFile: Sendable {
    /// The path, for errors.
    public let path: String
    /// The names, types, shapes and places of the tensors.
    public let header: SafetensorsHeader
    private let storage: FileBytes
    private let indices: [String: Int]

    /// The tensors in the order of the file.
    public var tensors: [TensorDescription] { header.tensors }
    /// Free text by key.
    public var metadata: [String: String] { header.metadata }

    /// Opens a file; with `inMemory`, it is read at once instead of being mapped.
    ///
    /// Throws `.safetensors` when it is not a valid safetensors file.
    public init(path: String, inMemory: Bool = false) throws(CheckpointError) {
        try self.init(path: path, storage: inMemory ? FileBytes(reading: path) : FileBytes(mapping: path))
    }

    /// Decodes a file that is in memory, of which it takes a copy. `name` stands for the path in errors.
    public init(bytes: UnsafeRawBufferPointer, name: String) throws(CheckpointError) {
        try self.init(path: name, storage: FileBytes(copying: bytes))
    }

    private init(path: String, storage: FileBytes) throws(CheckpointError) {
        self.path = path
        self.storage = storage
        do {
            header = try SafetensorsHeader(decoding: storage.bytes, fileBytes: storage.bytes.count)
        } catch {
            throw .safetensors(path: path, error)
        }
        // Names are unique as the JSON decoder left them.
        indices = Dictionary(header.tensors.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// The tensor of this name; throws when there is none, or when its type or shape is not the one asked for.
    public func tensor(
        _ name: String, type: TensorType? = nil, shape: [Int]? = nil
    ) throws(CheckpointError) -> TensorDescription {
        guard let index = indices[name] else { throw .safetensors(path: path, .noTensor(name: name)) }
        let tensor = header.tensors[index]
        if let type, type != tensor.type {
            throw .safetensors(path: path, .type(tensor: name, expected: type, found: tensor.type))
        }
        if let shape, shape != tensor.shape {
            throw .safetensors(path: path, .shape(tensor: name, expected: shape, found: tensor.shape))
        }
        return tensor
    }

    /// Lends the bytes of one of this file's tensors: little-endian elements, row-major, valid within `body` only.
    ///
    /// Aligned for their type in every file that Rondo or the `safetensors` package has written, not in every file.
    public func withBytes<Result, Failure: Error>(
        of tensor: TensorDescription, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withExtendedLifetime(storage) { () throws(Failure) in
            try body(UnsafeRawBufferPointer(rebasing: storage.bytes[tensor.byteRange]))
        }
    }

    /// A copy of a single-precision tensor, row-major; throws when it is not there, or of another type or shape.
    public func readFloats(_ name: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        let tensor = try tensor(name, type: .float32, shape: shape)
        return withBytes(of: tensor) { bytes in
            [Float](unsafeUninitializedCapacity: tensor.count) { values, count in
                UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
                count = tensor.count
            }
        }
    }

    /// Copies a single-precision tensor into memory of exactly its size; throws when it is not there, or of another
    /// type, shape or size.
    public func readFloats(
        _ name: String, shape: [Int]? = nil, into values: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        let tensor = try tensor(name, type: .float32, shape: shape)
        guard tensor.count == values.count else {
            throw .safetensors(path: path, .shape(tensor: name, expected: [values.count], found: tensor.shape))
        }
        withBytes(of: tensor) { UnsafeMutableRawBufferPointer(values).copyMemory(from: $0) }
    }
}
