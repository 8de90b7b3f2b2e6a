// The entry `latest`, whatever stands in its place and whatever the file system knows.

import Foundation
import Testing

@testable import Checkpoints

@Suite("The newest checkpoint's entry")
struct LatestPointerTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.path("checkpoints") }
    private var latest: String { path + "/latest" }

    private func directory(_ disk: TroubledDisk = TroubledDisk()) throws -> CheckpointDirectory {
        try CheckpointDirectory(path: path, fileSystem: disk.fileSystem)
    }

    @Test(
        "without symbolic links it is a text file with the folder's name, which every reader follows",
        arguments: [ErrorNumber.permission, ENOSYS, EOPNOTSUPP, ENOTSUP])
    func withoutLinks(code: Int32) throws {
        let disk = TroubledDisk(.unsupported({ if case .link = $0 { true } else { false } }, code: code))
        let directory = try directory(disk)
        for step in [20, 40, 60] {
            #expect(try directory.write(step: step, contents: smallCheckpoint(Float(step))).latestProblem == nil)
        }
        #expect(try folder.read("checkpoints/latest") == Array("step-00000060\n".utf8))
        #expect(directory.latest == 60)
        #expect(directory.latestRemark?.hasSuffix("because this file system has no symbolic links") == true)
        for path in [latest, path, folder.path] {
            #expect(try value(of: CheckpointFolder.open(path: path).folder) == 60)
        }
        #expect(try directory.prune(keep: 1) == [20, 40])
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("a text file as a copier leaves it, without or with any line end, is read as well")
    func foreignText() throws {
        try directory().write(step: 7, contents: smallCheckpoint(7))
        for text in ["step-00000007", "step-00000007\r\n", "\u{FEFF}step-00000007"] {
            try FileManager.default.removeItem(atPath: latest)
            try folder.write("checkpoints/latest", text.utf8)
            let leads = !text.hasPrefix("\u{FEFF}")
            #expect(try directory().latest == (leads ? 7 : nil))
            try directory().pointLatest(to: 7)
            #expect(try directory().latest == 7)
        }
    }

    @Test("a copied checkpoint, an empty folder or a file in its place is replaced")
    func replaced() throws {
        try directory().write(step: 1, contents: smallCheckpoint(1))
        let places: [() throws -> Void] = [
            { [path, latest] in
                try FileManager.default.copyItem(atPath: path + "/step-00000001", toPath: latest)
            },
            { [latest] in
                try FileManager.default.createDirectory(atPath: latest, withIntermediateDirectories: false)
            },
            { [folder] in try folder.write("checkpoints/latest", [1, 2, 3]) },
            { [latest] in
                try FileManager.default.createSymbolicLink(atPath: latest, withDestinationPath: "step-00000009")
            },
            {},
        ]
        for (index, place) in places.enumerated() {
            try? FileManager.default.removeItem(atPath: latest)
            try place()
            let step = index + 2
            let written = try directory().write(step: step, contents: smallCheckpoint(Float(step)))
            #expect(written.latestProblem == nil)
            #expect(Paths.linkTarget(latest) == CheckpointDirectory.folderName(step: step))
            #expect(try directory().latestRemark == nil)
            #expect(try folder.hiddenEntries().isEmpty)
        }
    }

    @Test("a folder with a user's files in its place is kept, and told of; checkpoints are written and pruned")
    func occupied() throws {
        try folder.write("checkpoints/latest/thesis.tex", [1])
        let directory = try directory()
        for step in 1...3 {
            let written = try directory.write(step: step, contents: smallCheckpoint(Float(step)))
            #expect(written.latestProblem == .occupied(path: latest, entry: "thesis.tex"))
            _ = try directory.prune(keep: 1)
        }
        #expect(try directory.list() == [3])
        #expect(try folder.read("checkpoints/latest/thesis.tex") == [1])
        #expect(directory.latestRemark?.contains("does not lead to the newest checkpoint, step-00000003") == true)
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("file systems that sync no folders, or no files, serve", arguments: [EINVAL, ENOSYS, ENOTSUP])
    func withoutSync(code: Int32) throws {
        let disk = TroubledDisk(
            .unsupported(
                {
                    switch $0 {
                    case .syncFile, .syncFolder: true
                    default: false
                    }
                }, code: code))
        try directory(disk).write(step: 1, contents: smallCheckpoint(1))
        #expect(try value(of: CheckpointFolder.open(path: latest).folder) == 1)
    }

    @Test(
        "file systems that do not rename over what is there serve",
        arguments: [ErrorNumber.exists, ErrorNumber.permission, EINVAL])
    func withoutReplacingRename(code: Int32) throws {
        let disk = TroubledDisk(
            .unsupported(
                { if case .rename(_, let place) = $0 { Paths.kind(place) != nil } else { false } }, code: code))
        let directory = try directory(disk)
        for step in [1, 1, 2] {
            #expect(try directory.write(step: step, contents: smallCheckpoint(Float(step))).latestProblem == nil)
            #expect(directory.latest == step)
        }
        #expect(disk.hasStruck)
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("a step's name that a file has is taken from it")
    func fileOfThatName() throws {
        try folder.write("checkpoints/step-00000005", [1])
        try directory().write(step: 5, contents: smallCheckpoint(5))
        #expect(try value(of: CheckpointFolder.open(path: latest).folder) == 5)
        #expect(try folder.hiddenEntries().isEmpty)
    }
}
