// Opening a checkpoint from whatever path a user names, and writing one that stands alone.

/// A checkpoint that was found whole, and the newer ones that were not.
public struct OpenedCheckpoint: Equatable, Sendable {
    /// The checkpoint.
    public var folder: CheckpointFolder
    /// Newer checkpoints that were passed over because they are damaged, newest first.
    public var skipped: [SkippedCheckpoint]
    /// How files that were changed since they were written, and are taken as they are, differ.
    public var adopted: [CheckpointFault] = []

    /// The step in the folder's name; nil for a checkpoint that stands alone.
    public var step: Int? {
        let name = Paths.split(folder.path).name
        return CheckpointDirectory.step(ofFolder: HiddenName(name)?.base ?? name)
    }

    /// What a user must be told: one line for each thing that is wrong with a newer checkpoint, and what was used
    /// instead.
    public var warnings: [String] {
        (skipped.isEmpty ? [] : skipped.map(\.description) + ["using \(folder.path)"])
            + adopted.map { "taken as it is: \(folder.path): \($0)" }
    }
}

extension CheckpointFolder {
    /// Opens the checkpoint at `path`, after verifying every file of it that the use needs.
    ///
    /// `path` may be one checkpoint's folder, a directory of `step-…` folders, or a run's directory that holds such a
    /// one under the name `checkpoints`. Throws `.damaged` when one checkpoint is named and is not whole,
    /// `.noWholeCheckpoint` when all of several are damaged, and `.noCheckpoint` when there is none.
    public static func open(
        path: String, for use: CheckpointUse = .training
    ) throws(CheckpointError) -> OpenedCheckpoint {
        var path = Paths.trimmed(path)
        if Paths.kind(path) == nil {
            let (parent, name) = Paths.split(path)
            guard Paths.isFolder(parent), let aside = try HiddenName.aside(base: name, in: parent) else {
                throw .notFound(path: path)
            }
            path = aside
        }
        if let folder = LatestPointer.folder(named: path) { path = folder }
        guard Paths.isFolder(path) else { throw .notADirectory(path: path) }
        if Paths.kind(Paths.join(path, CheckpointFile.manifest)) == nil {
            for directory in [path, Paths.join(path, "checkpoints")] where Paths.isFolder(directory) {
                if let newest = try CheckpointDirectory(reading: directory).newestWhole(for: use) { return newest }
            }
            if Paths.kind(Paths.join(path, CheckpointFile.model)) == nil { throw .noCheckpoint(path: path) }
        }
        let (folder, faults, adopted) = verified(path, for: use)
        guard let folder else { throw .damaged(path: path, faults: faults) }
        return OpenedCheckpoint(folder: folder, skipped: [], adopted: adopted)
    }

    /// Writes a checkpoint that stands alone, into a folder `path` of its own.
    ///
    /// The folder appears whole or not at all; one that holds an older checkpoint is replaced. Folders above it are
    /// made. Throws `.occupied` when `path` holds anything that is not part of a checkpoint, `.irreplaceable` when it
    /// is a mount point or the working directory, and on every failure of `contents` or the disk; `path` is then as
    /// it was.
    @discardableResult
    public static func write(
        to path: String, contents: CheckpointDraft.Contents
    ) throws(CheckpointError) -> CheckpointFolder {
        try write(to: path, fileSystem: .real, contents: contents)
    }

    @discardableResult
    package static func write(
        to path: String, fileSystem: FileSystem, contents: CheckpointDraft.Contents
    ) throws(CheckpointError) -> CheckpointFolder {
        // Through links, so that a link to a folder stays one.
        let (parent, name) = Paths.split(Paths.resolved(path) ?? path)
        guard !name.isEmpty, name != "..", !Paths.isInUse(Paths.join(parent, name)) else {
            throw .irreplaceable(path: path)
        }
        try fileSystem.createFolders(parent)
        try PartialFolder.cleanUp(parent, fileSystem: fileSystem) { $0 == name }
        let place = Paths.join(parent, name)
        switch Paths.kind(place) {
        case nil: break
        case .folder: try checkReplaceable(place)
        case .file, .link: throw .notADirectory(path: path)
        }
        return try AtomicFolder.write(name, in: parent, fileSystem: fileSystem, contents: contents)
    }

    /// Throws `.occupied` if a folder holds anything that is not part of a checkpoint.
    static func checkReplaceable(_ path: String) throws(CheckpointError) {
        var names: Set = [
            CheckpointFile.model, CheckpointFile.optimizer, CheckpointFile.run, CheckpointFile.tokenizer,
            CheckpointFile.manifest,
        ]
        if let manifest = try? readManifest(path) { names.formUnion(manifest.files.keys) }
        for entry in try Paths.entries(path) where !names.contains(entry) {
            throw .occupied(path: path, entry: entry)
        }
    }
}
