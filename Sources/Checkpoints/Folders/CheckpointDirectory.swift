// The checkpoints of a run: a directory of `step-…` folders and a link `latest`.

/// The checkpoints of one run.
///
///     let checkpoints = try CheckpointDirectory(path: "run/checkpoints")
///     try checkpoints.write(step: 1200) { draft throws(CheckpointError) in
///         try draft.add(CheckpointFile.run, bytes: run)
///         try draft.addTensors(CheckpointFile.model, declarations) { tensor, writer throws(CheckpointError) in
///             try writer.append(weights[tensor.name])
///         }
///     }
///     try checkpoints.prune(keep: 3, best: 900)
///
/// One process writes; any number may read meanwhile.
public struct CheckpointDirectory: Sendable {
    /// The directory's path.
    public let path: String
    private let fileSystem: FileSystem

    /// Opens the directory for its writer: creates it when it is missing, and removes what dead writers left behind.
    public init(path: String) throws(CheckpointError) {
        try self.init(path: path, fileSystem: .real)
    }

    /// Looks at a directory without changing anything in it.
    public init(reading path: String) {
        self.path = Paths.trimmed(path)
        fileSystem = .real
    }

    package init(path: String, fileSystem: FileSystem) throws(CheckpointError) {
        self.path = Paths.trimmed(path)
        self.fileSystem = fileSystem
        try fileSystem.createFolders(self.path)
        try PartialFolder.cleanUp(self.path, fileSystem: fileSystem) {
            Self.step(ofFolder: $0) != nil || $0 == LatestPointer.name
        }
    }

    /// The name of a step's folder: `step-00001200`.
    public static func folderName(step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    /// The step of a folder's name, or nil when it is not exactly of that form.
    static func step(ofFolder name: String) -> Int? {
        guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), step >= 0, folderName(step: step) == name
        else { return nil }
        return step
    }

    /// Writes a checkpoint, and lets `latest` point to it.
    ///
    /// All is on the disk when this returns. A kill at any instant leaves the earlier checkpoints and, of this one,
    /// all or nothing. On an error nothing of it is left. A checkpoint of the same step is replaced. That `latest`
    /// could not be changed is no error: it is told in what is returned.
    @discardableResult
    public func write(step: Int, contents: CheckpointDraft.Contents) throws(CheckpointError) -> WrittenCheckpoint {
        precondition(step >= 0, "steps are counted from zero")
        let name = Self.folderName(step: step)
        let folder = try AtomicFolder.write(name, in: path, fileSystem: fileSystem, contents: contents)
        do {
            try pointLatest(to: step)
            return WrittenCheckpoint(folder: folder, latestProblem: nil)
        } catch {
            return WrittenCheckpoint(folder: folder, latestProblem: error)
        }
    }

    /// Lets `latest` lead to a step's checkpoint; does nothing when it does so already.
    ///
    /// It is a symbolic link or, where the file system has none, a text file with the name of the folder. Throws
    /// `.occupied` when a folder with other things in it stands there.
    public func pointLatest(to step: Int) throws(CheckpointError) {
        let name = Self.folderName(step: step)
        if LatestPointer.target(in: path) == name { return }
        try LatestPointer.point(to: name, in: path, fileSystem)
    }

    /// What a user may want to know of `latest`: that it is a text file, or that it does not lead to the newest
    /// checkpoint; nil when all is as usual.
    public var latestRemark: String? {
        let place = Paths.join(path, LatestPointer.name)
        guard let newest = try? list().last else { return nil }
        if latest != newest {
            return "\(place): does not lead to the newest checkpoint, \(Self.folderName(step: newest)); "
                + "move away what stands there"
        }
        guard LatestPointer.isText(in: path) else { return nil }
        return "\(place): is a text file with the name of the newest checkpoint, because this file system has no "
            + "symbolic links"
    }

    /// The steps of which there is a folder, whole or not, ascending.
    public func list() throws(CheckpointError) -> [Int] {
        try folders().map(\.step)
    }

    /// The step that `latest` points to, if any.
    public var latest: Int? {
        LatestPointer.target(in: path).flatMap(Self.step(ofFolder:))
    }

    /// What is wrong with a step's checkpoint, every file hashed; nothing when the list is empty.
    public func verify(step: Int) throws(CheckpointError) -> [CheckpointFault] {
        guard let folder = try folders().first(where: { $0.step == step }) else {
            throw .notFound(path: Paths.join(path, Self.folderName(step: step)))
        }
        return CheckpointFolder.verified(folder.path).faults
    }

    /// The newest checkpoint that is whole, every file of it verified, and the newer ones that are not.
    ///
    /// Nil when there is none at all; throws `.noWholeCheckpoint` when there are some, and all are damaged.
    public func newestWhole(for use: CheckpointUse = .training) throws(CheckpointError) -> OpenedCheckpoint? {
        var skipped: [SkippedCheckpoint] = []
        for (_, path) in try folders().reversed() {
            let (folder, faults, adopted) = CheckpointFolder.verified(path, for: use)
            if let folder { return OpenedCheckpoint(folder: folder, skipped: skipped, adopted: adopted) }
            skipped.append(SkippedCheckpoint(path: path, faults: faults))
        }
        guard skipped.isEmpty else { throw .noWholeCheckpoint(path: path, skipped: skipped) }
        return nil
    }

    /// Removes old checkpoints, but keeps the last `keep` (at least one), the best, and the one that `latest` names.
    ///
    /// Checkpoints with missing files or files of another size do not count among the last `keep`; they go as soon as
    /// there is a newer one. Returns the steps removed. A kill in between leaves no half folder.
    @discardableResult
    public func prune(keep: Int, best: Int? = nil) throws(CheckpointError) -> [Int] {
        var removed: [Int] = []
        var kept = 0
        let latest = latest
        for (step, folder) in try folders().reversed() {
            let isWhole = CheckpointFolder.verified(folder, hashing: false).folder != nil
            let isRecent = isWhole ? kept < max(1, keep) : kept == 0
            if isWhole { kept += 1 }
            if isRecent || step == best || step == latest { continue }
            try remove(folder, Self.folderName(step: step))
            removed.append(step)
        }
        return removed.reversed()
    }

    /// Removes the checkpoint of a step, if there is one; `latest` then leads to the newest one that is left.
    public func remove(step: Int) throws(CheckpointError) {
        let all = try folders()
        guard let folder = all.first(where: { $0.step == step }) else { return }
        if latest == step {
            if let newest = all.last(where: { $0.step != step }) {
                try pointLatest(to: newest.step)
            } else {
                try fileSystem.removeFile(Paths.join(path, LatestPointer.name))
            }
        }
        try remove(folder.path, Self.folderName(step: step))
    }

    private func remove(_ folder: String, _ name: String) throws(CheckpointError) {
        let doomed = HiddenName.free(base: name, role: .removed, in: path)
        try fileSystem.rename(folder, to: doomed)
        try fileSystem.removeTree(doomed)
    }

    /// The folders of all steps, ascending. One that its writer had moved aside when it was killed counts as well.
    private func folders() throws(CheckpointError) -> [(step: Int, path: String)] {
        var found: [Int: String] = [:]
        for name in try Paths.entries(path) {
            let hidden = HiddenName(name)
            guard let step = Self.step(ofFolder: hidden?.base ?? name), hidden == nil || hidden?.role == .replaced,
                hidden == nil || found[step] == nil
            else { continue }
            found[step] = Paths.join(path, name)
        }
        return found.sorted { $0.key < $1.key }.map { (step: $0.key, path: $0.value) }
    }
}

/// A checkpoint that is in its place.
public struct WrittenCheckpoint: Equatable, Sendable {
    /// The checkpoint.
    public var folder: CheckpointFolder
    /// Why `latest` does not lead to it.
    public var latestProblem: CheckpointError?
}
