// Kills and disk errors at every system call of a write: the previous or the new checkpoint is always whole.

import Testing

@testable import Checkpoints

@Suite("Kills and disk errors")
struct CheckpointCrashTests {
    /// A write that is to be interrupted, after a checkpoint of step 1 with value 1 is there.
    enum Act: CaseIterable, CustomTestStringConvertible {
        case newStep, sameStep, prune, standAlone, tensors

        var testDescription: String { "\(self)" }
    }

    /// - Returns: Why `latest` does not lead to what was written.
    @discardableResult
    private func perform(
        _ act: Act, in folder: TemporaryFolder, on fileSystem: FileSystem
    ) throws -> CheckpointError? {
        let path = folder.path("checkpoints")
        switch act {
        case .newStep, .sameStep:
            return try CheckpointDirectory(path: path, fileSystem: fileSystem)
                .write(step: act == .newStep ? 2 : 1, contents: smallCheckpoint(2)).latestProblem
        case .prune: try CheckpointDirectory(path: path, fileSystem: fileSystem).prune(keep: 1)
        case .standAlone:
            try CheckpointFolder.write(to: folder.path("alone"), fileSystem: fileSystem, contents: smallCheckpoint(2))
        case .tensors:
            try SafetensorsWriter.write(
                to: folder.path("alone/model.safetensors"), tensors: [TensorDeclaration("a", shape: [1])],
                fileSystem: fileSystem
            ) { _, writer throws(CheckpointError) in try writer.append([2]) }
        }
        return nil
    }

    private func prepared(_ act: Act) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let directory = try CheckpointDirectory(path: folder.path("checkpoints"))
        if act == .prune { for step in -3...0 { try directory.write(step: step + 3, contents: smallCheckpoint(0)) } }
        try directory.write(step: act == .prune ? 4 : 1, contents: smallCheckpoint(1))
        try CheckpointFolder.write(to: folder.path("alone"), contents: smallCheckpoint(1))
        return folder
    }

    /// What a reader finds, without changing anything.
    private func found(_ act: Act, in folder: TemporaryFolder) throws -> Float {
        switch act {
        case .newStep, .sameStep, .prune: try value(of: CheckpointFolder.open(path: folder.path("checkpoints")).folder)
        case .standAlone: try value(of: CheckpointFolder.open(path: folder.path("alone")).folder)
        case .tensors: try SafetensorsFile(path: folder.path("alone/model.safetensors")).tensors.count == 1 ? 2 : 1
        }
    }

    @Test("a kill at any instant leaves the previous or the new one whole", arguments: Act.allCases)
    func kills(act: Act) throws {
        var instant = 0
        while true {
            let folder = try prepared(act)
            let disk = TroubledDisk(.stop(at: instant))
            _ = try? perform(act, in: folder, on: disk.fileSystem)
            guard disk.hasStruck else { break }
            #expect([1, 2].contains(try found(act, in: folder)), "killed at \(instant)")

            // The next life cleans up, finds it, and goes on.
            let directory = try CheckpointDirectory(path: folder.path("checkpoints"))
            if act != .standAlone && act != .tensors {
                #expect(try folder.hiddenEntries().isEmpty, "killed at \(instant)")
                #expect([1, 2].contains(try found(act, in: folder)), "killed at \(instant)")
                #expect(try directory.newestWhole()?.skipped.isEmpty == true)
            }
            try perform(act, in: folder, on: .real)
            #expect(try found(act, in: folder) == (act == .prune ? 1 : 2))
            #expect(try folder.hiddenEntries().isEmpty, "killed at \(instant)")
            instant += 1
        }
        #expect(instant > 5)
    }

    @Test(
        "a disk error at any instant is typed, and leaves no partial folder", arguments: Act.allCases,
        [ErrorNumber.noSpace, ErrorNumber.access, 5])
    func errors(act: Act, code: Int32) throws {
        var instant = 0
        while true {
            let folder = try prepared(act)
            let disk = TroubledDisk(.failure(at: instant, code: code))
            var thrown: CheckpointError?
            do {
                thrown = try perform(act, in: folder, on: disk.fileSystem)
            } catch let error as CheckpointError {
                thrown = error
            }
            guard disk.hasStruck else { break }
            switch thrown {
            case .diskFull: #expect(code == ErrorNumber.noSpace)
            case .notPermitted: #expect(code == ErrorNumber.access)
            case .system(_, _, let found): #expect(found == code)
            case nil:
                // Where a link or a rename is refused there is another way.
                #expect(
                    disk.steps[instant].isRemoval || code == ErrorNumber.access && disk.steps[instant].isOfNames,
                    "\(disk.steps[instant])")
            default: Issue.record("\(String(describing: thrown))")
            }
            #expect([1, 2].contains(try found(act, in: folder)), "failed at \(instant)")
            if !disk.steps[instant].isRemoval {
                #expect(try folder.hiddenEntries().isEmpty, "failed at \(instant): \(disk.steps[instant])")
            }
            instant += 1
        }
        #expect(instant > 5)
    }

    @Test("a full quota is a full disk, and a read-only disk is not permitted")
    func codes() {
        let quota = CheckpointError(code: ErrorNumber.quota, path: "a", action: "write")
        #expect(quota == .diskFull(path: "a"))
        let readOnly = CheckpointError(code: ErrorNumber.readOnly, path: "a", action: "write")
        #expect(readOnly == .notPermitted(path: "a", action: "write"))
    }

    @Test("every file and the folder are synced before the rename, and the rename before latest changes")
    func syncOrder() throws {
        let folder = try prepared(.newStep)
        let disk = TroubledDisk()
        try perform(.newStep, in: folder, on: disk.fileSystem)
        let root = folder.path("checkpoints")
        var unsynced: Set<String> = []
        var rootIsSynced = true
        var renames = 0
        for step in disk.steps {
            switch step {
            case .createFolder(let path), .createFile(let path): unsynced.insert(path)
            case .write(let path, _): unsynced.insert(path)
            case .syncFile(let path): unsynced.remove(path)
            case .syncFolder(root): rootIsSynced = true
            case .syncFolder(let path): unsynced.remove(path)
            case .rename:
                #expect(unsynced.isEmpty)
                #expect(rootIsSynced)
                renames += 1
                rootIsSynced = false
            case .link, .removeFile, .removeFolder: break
            }
        }
        #expect(renames == 2)
        #expect(rootIsSynced)
        #expect(disk.steps.last == .syncFolder(root))
    }
}

extension FileSystemStep {
    fileprivate var isRemoval: Bool {
        switch self {
        case .removeFile, .removeFolder: true
        default: false
        }
    }

    fileprivate var isOfNames: Bool {
        switch self {
        case .link, .rename: true
        default: false
        }
    }
}
