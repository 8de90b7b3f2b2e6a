// A checkpoint that is being written: files go in, the manifest comes out.

/// The files of a checkpoint that is being written. Each is hashed on its way to the disk, and synced.
public struct CheckpointDraft: ~Copyable {
    /// Adds the files of a checkpoint to it. To give up, throw `CheckpointError.contents`.
    public typealias Contents = (inout CheckpointDraft) throws(CheckpointError) -> Void

    private let folder: String
    private let fileSystem: FileSystem
    private var files: [String: FileDigest] = [:]

    init(folder: String, fileSystem: FileSystem) {
        self.folder = folder
        self.fileSystem = fileSystem
    }

    /// Adds a file with these contents.
    public mutating func add(_ name: String, bytes: [UInt8]) throws(CheckpointError) {
        try add(name) { file throws(CheckpointError) in try file.append(bytes) }
    }

    /// Adds a file whose contents come piece by piece.
    public mutating func add(
        _ name: String, contents: (inout OutputFile) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        var file = try OutputFile(creating: path(of: name), fileSystem: fileSystem)
        try contents(&file)
        files[name] = try file.finish()
    }

    /// Adds a safetensors file; `contents` is asked for the bytes of one tensor after the other, in file order.
    public mutating func addTensors(
        _ name: String, _ tensors: [TensorDeclaration], metadata: [String: String] = [:],
        contents: SafetensorsWriter.Contents
    ) throws(CheckpointError) {
        var writer = try SafetensorsWriter(
            creating: path(of: name), name: name, tensors: tensors, metadata: metadata, fileSystem: fileSystem)
        files[name] = try writer.writeAll(contents)
    }

    private func path(of name: String) throws(CheckpointError) -> String {
        guard Manifest.isFileName(name), files[name] == nil else { throw .invalidFileName(name: name) }
        return Paths.join(folder, name)
    }

    /// Writes the manifest; all of the folder is on the disk when this returns.
    mutating func finish() throws(CheckpointError) -> Manifest {
        let manifest = Manifest(files: files)
        var file = try OutputFile(creating: Paths.join(folder, CheckpointFile.manifest), fileSystem: fileSystem)
        try file.append(manifest.encoded())
        _ = try file.finish()
        try fileSystem.syncFolder(folder)
        return manifest
    }
}
