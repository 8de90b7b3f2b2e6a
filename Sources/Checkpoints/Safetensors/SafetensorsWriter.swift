// Writing of safetensors files, tensor by tensor, without a second copy of them.

/// A safetensors file that is being written.
///
///     try SafetensorsWriter.write(
///         to: "model.safetensors",
///         tensors: [TensorDeclaration("rnn.weight_ih_l0", shape: [4 * hidden, input])]
///     ) { tensor, writer throws(CheckpointError) in
///         try writer.append(weights[tensor.name])
///     }
///
/// The writer decides on the order of the tensors, and asks for each one's bytes when their turn comes.
public struct SafetensorsWriter: ~Copyable {
    /// Gives the bytes of one tensor, in as many pieces as is convenient.
    public typealias Contents = (
        _ tensor: TensorDescription, _ writer: inout SafetensorsWriter
    ) throws(CheckpointError) -> Void

    /// The names, types, shapes and places of the tensors.
    public let header: SafetensorsHeader
    private let name: String
    private var file: OutputFile
    private var index = 0
    private var offset = 0

    /// Creates the file and writes the header. `name` is the path to show in errors.
    init(
        creating path: String, name: String, tensors: [TensorDeclaration], metadata: [String: String],
        fileSystem: FileSystem
    ) throws(CheckpointError) {
        let header: SafetensorsHeader
        do {
            header = try SafetensorsHeader(layingOut: tensors, metadata: metadata)
        } catch {
            throw .safetensors(path: name, error)
        }
        var file = try OutputFile(creating: path, fileSystem: fileSystem)
        try file.append(header.encoded())
        self.header = header
        self.name = name
        self.file = file
        offset = header.byteCount
    }

    /// Appends bytes to the tensor that is being asked for: little-endian elements, row-major.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
        let tensor = header.tensors[index]
        guard bytes.count <= tensor.byteRange.upperBound - offset else {
            throw wrongSize(of: tensor, found: offset + bytes.count)
        }
        try file.append(bytes)
        offset += bytes.count
    }

    /// Appends values to the tensor that is being asked for.
    public mutating func append(_ values: UnsafeBufferPointer<Float>) throws(CheckpointError) {
        try append(UnsafeRawBufferPointer(values))
    }

    /// Appends values to the tensor that is being asked for.
    public mutating func append(_ values: [Float]) throws(CheckpointError) {
        try values.withUnsafeBufferPointer { values throws(CheckpointError) in try append(values) }
    }

    private func wrongSize(of tensor: TensorDescription, found end: Int) -> CheckpointError {
        let bytes = tensor.byteRange
        return .safetensors(
            path: name, .size(tensor: tensor.name, expected: bytes.count, found: end - bytes.lowerBound))
    }

    mutating func writeAll(_ contents: Contents) throws(CheckpointError) -> FileDigest {
        for (index, tensor) in header.tensors.enumerated() {
            self.index = index
            try contents(tensor, &self)
            guard offset == tensor.byteRange.upperBound else { throw wrongSize(of: tensor, found: offset) }
        }
        return try file.finish()
    }
}

extension SafetensorsWriter {
    /// Writes a safetensors file beside `path`, syncs it and renames it into place; an existing file is replaced.
    ///
    /// Returns the file's size and SHA-256. Throws when the tensors cannot be declared so, when `contents` gives one
    /// of them another number of bytes than its shape needs, and on any failure of the disk; nothing is left then.
    @discardableResult
    public static func write(
        to path: String, tensors: [TensorDeclaration], metadata: [String: String] = [:], contents: Contents
    ) throws(CheckpointError) -> FileDigest {
        try write(to: path, tensors: tensors, metadata: metadata, fileSystem: .real, contents: contents)
    }

    @discardableResult
    package static func write(
        to path: String, tensors: [TensorDeclaration], metadata: [String: String] = [:], fileSystem: FileSystem,
        contents: Contents
    ) throws(CheckpointError) -> FileDigest {
        let (parent, name) = Paths.split(path)
        let partial = Paths.join(parent, HiddenName(base: name, role: .partial).text)
        do {
            try PartialFolder.cleanUp(parent, fileSystem: fileSystem) { $0 == name }
            var writer = try SafetensorsWriter(
                creating: partial, name: path, tensors: tensors, metadata: metadata, fileSystem: fileSystem)
            let digest = try writer.writeAll(contents)
            try fileSystem.replace(path, with: partial)
            try fileSystem.syncFolder(parent)
            return digest
        } catch {
            try? fileSystem.removeFile(partial)
            throw error
        }
    }
}
