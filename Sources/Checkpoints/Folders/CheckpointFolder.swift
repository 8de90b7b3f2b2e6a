// One checkpoint on disk: opening, verifying and reading it.

/// A whole checkpoint: a folder whose files are what its manifest says.
///
///     let opened = try CheckpointFolder.open(path: "run/checkpoints")
///     for warning in opened.warnings { print(warning) }
///     let model = try opened.folder.tensors(CheckpointFile.model)
///
/// `open` takes the folder of one checkpoint (as `rondo pull` writes it), a directory of `step-…` folders, or a run's
/// directory with `checkpoints` in it; from the latter two it takes the newest checkpoint that is whole.
public struct CheckpointFolder: Equatable, Sendable {
    /// The folder's path.
    public let path: String
    /// Size and SHA-256 of its files.
    public let manifest: Manifest

    /// The names of the files, sorted.
    public var files: [String] { manifest.files.keys.sorted() }

    /// The path of one of the files.
    public func path(of name: String) throws(CheckpointError) -> String {
        guard manifest.files[name] != nil else { throw .noSuchFile(path: path, name: name, files: files) }
        return Paths.join(path, name)
    }

    /// Reads a file whole, and checks it against the manifest once more.
    public func read(_ name: String) throws(CheckpointError) -> [UInt8] {
        let file = try FileBytes(reading: path(of: name))
        let found = FileDigest(of: file.bytes)
        if let expected = manifest.files[name], let fault = expected.fault(of: name, found: found) {
            throw .damaged(path: path, faults: [fault])
        }
        return withExtendedLifetime(file) { Array(file.bytes) }
    }

    /// Opens one of the safetensors files.
    public func tensors(_ name: String) throws(CheckpointError) -> SafetensorsFile {
        try SafetensorsFile(path: path(of: name))
    }

    /// Compares every file with the manifest, size and SHA-256; nothing is wrong when the list is empty.
    public func verify() -> [CheckpointFault] {
        Self.verified(path).faults
    }

    /// Reads the manifest at `path` and compares the files that a use needs with it: sizes, and SHA-256 unless
    /// `hashing` is off.
    ///
    /// The manifest of the folder holds what was found for files that are adopted, and for the others what was written.
    static func verified(
        _ path: String, for use: CheckpointUse = .training, hashing: Bool = true
    ) -> (folder: CheckpointFolder?, faults: [CheckpointFault], adopted: [CheckpointFault]) {
        var manifest: Manifest
        do {
            manifest = try readManifest(path)
        } catch {
            return (nil, [error], [])
        }
        var (faults, adopted): ([CheckpointFault], [CheckpointFault]) = ([], [])
        for (name, expected) in manifest.files.sorted(by: { $0.key < $1.key }) where use.needs(name) {
            guard let fault = fault(of: name, in: path, expected: expected, hashing: hashing) else { continue }
            guard use.adopted.contains(name), let found = try? InputFile(path: Paths.join(path, name)).digest() else {
                faults.append(fault)
                continue
            }
            manifest.files[name] = found
            adopted.append(fault)
        }
        return (faults.isEmpty ? CheckpointFolder(path: path, manifest: manifest) : nil, faults, adopted)
    }

    static func readManifest(_ path: String) throws(CheckpointFault) -> Manifest {
        let name = CheckpointFile.manifest
        let bytes: [UInt8]
        do throws(CheckpointError) {
            let file = try InputFile(path: Paths.join(path, name))
            guard file.size <= Manifest.bytesMax else {
                throw CheckpointError.contents(path: file.path, reason: "larger than \(Manifest.bytesMax) bytes")
            }
            let contents = try FileBytes(reading: file.path)
            bytes = withExtendedLifetime(contents) { Array(contents.bytes) }
        } catch {
            throw CheckpointFault(name, error)
        }
        return try Manifest(decoding: bytes)
    }

    private static func fault(
        of name: String, in path: String, expected: FileDigest, hashing: Bool
    ) -> CheckpointFault? {
        do {
            let file = try InputFile(path: Paths.join(path, name))
            guard file.size == expected.size else {
                return .size(file: name, expected: expected.size, found: file.size)
            }
            return hashing ? expected.fault(of: name, found: try file.digest()) : nil
        } catch {
            return CheckpointFault(name, error)
        }
    }
}

extension FileDigest {
    fileprivate func fault(of file: String, found: FileDigest) -> CheckpointFault? {
        if size != found.size { return .size(file: file, expected: size, found: found.size) }
        return sha256 == found.sha256 ? nil : .digest(file: file, expected: sha256, found: found.sha256)
    }
}

extension CheckpointFault {
    fileprivate init(_ file: String, _ error: CheckpointError) {
        switch error {
        case .notFound: self = .missing(file: file)
        case .system(_, _, let code): self = .unreadable(file: file, reason: ErrorNumber.text(code))
        case .contents(_, let reason): self = .unreadable(file: file, reason: reason)
        case .notPermitted: self = .unreadable(file: file, reason: "permission denied")
        default: self = .unreadable(file: file, reason: "\(error)")
        }
    }
}
