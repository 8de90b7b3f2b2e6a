// The checkpoints of a run: writing, finding the newest whole one, and removing old ones.

import FoundationEssentials
import Testing

@testable import Checkpoints

@Suite("The checkpoints of a run")
struct CheckpointDirectoryTests {
    let folder: TemporaryFolder
    let directory: CheckpointDirectory

    init() throws {
        folder = try TemporaryFolder()
        directory = try CheckpointDirectory(path: folder.path("run/checkpoints"))
    }

    private func name(_ step: Int, _ file: String) -> String {
        "run/checkpoints/\(CheckpointDirectory.folderName(step: step))/\(file)"
    }

    @Test("a checkpoint is written, listed, pointed to by latest, and read back")
    func roundTrip() throws {
        #expect(try directory.newestWhole() == nil)
        let written = try directory.write(step: 1200, contents: smallCheckpoint(1)).folder
        #expect(written.path.hasSuffix("/run/checkpoints/step-00001200"))
        #expect(try directory.list() == [1200])
        #expect(directory.latest == 1200)
        #expect(try directory.verify(step: 1200).isEmpty)
        let opened = try #require(try directory.newestWhole())
        #expect(opened == OpenedCheckpoint(folder: written, skipped: []))
        #expect(opened.step == 1200)
        #expect(opened.warnings.isEmpty)
        #expect(try value(of: opened.folder) == 1)
        #expect(try opened.folder.read(CheckpointFile.run) == Array("{\"value\":1.0}".utf8))
        #expect(throws: CheckpointError.self) { try opened.folder.read("nothing") }
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("steps sort by number, also beyond eight digits, and other names are no steps")
    func order() throws {
        for step in [99_999_999, 100_000_000, 5] { try directory.write(step: step, contents: smallCheckpoint(1)) }
        for name in ["step-12", "step-000000012", "step--0000001", "step-+0000001", "step-0000000x", "other"] {
            try folder.write("run/checkpoints/\(name)/x", [])
        }
        #expect(try directory.list() == [5, 99_999_999, 100_000_000])
        #expect(directory.latest == 5)
        #expect(try directory.newestWhole()?.step == 100_000_000)
    }

    @Test(
        "a flipped byte in any file is found and named",
        arguments: [CheckpointFile.model, CheckpointFile.run, CheckpointFile.manifest])
    func flippedByte(file: String) throws {
        let checkpoint = try directory.write(step: 1, contents: smallCheckpoint(1)).folder
        let original = try folder.read(name(1, file))
        for place in original.indices {
            try folder.change(name(1, file)) { $0[place] ^= 0x01 }
            let faults = try directory.verify(step: 1)
            #expect(!faults.isEmpty, "byte \(place)")
            if file != CheckpointFile.manifest {
                let expected = try #require(checkpoint.manifest.files[file])
                let found = try folder.read(name(1, file)).withUnsafeBytes { FileDigest(of: $0) }
                #expect(faults == [.digest(file: file, expected: expected.sha256, found: found.sha256)])
            }
            try folder.write(name(1, file), original)
        }
        #expect(try directory.verify(step: 1).isEmpty)
    }

    @Test("a file cut short or missing is found and named", arguments: [CheckpointFile.model, CheckpointFile.run])
    func truncation(file: String) throws {
        try directory.write(step: 1, contents: smallCheckpoint(1))
        let size = try folder.read(name(1, file)).count
        for found in [size - 1, size / 2, 0] {
            try folder.change(name(1, file)) { $0.removeLast($0.count - found) }
            #expect(try directory.verify(step: 1) == [.size(file: file, expected: size, found: found)])
        }
        try FileManager.default.removeItem(atPath: folder.path(name(1, file)))
        #expect(try directory.verify(step: 1) == [.missing(file: file)])
    }

    @Test("a manifest cut short anywhere is found")
    func truncatedManifest() throws {
        try directory.write(step: 1, contents: smallCheckpoint(1))
        let original = try folder.read(name(1, CheckpointFile.manifest))
        // But for its last line end, which says nothing.
        for size in original.indices.dropLast() {
            try folder.write(name(1, CheckpointFile.manifest), original[..<size])
            #expect(try directory.verify(step: 1).map(\.file) == [CheckpointFile.manifest])
        }
    }

    @Test("loading falls back to the newest whole checkpoint, and warns about each newer one")
    func fallback() throws {
        for step in 1...4 { try directory.write(step: step, contents: smallCheckpoint(Float(step))) }
        try folder.change(name(4, CheckpointFile.model)) { $0[$0.count - 1] ^= 0x80 }
        try FileManager.default.removeItem(atPath: folder.path(name(3, CheckpointFile.manifest)))
        for path in [directory.path, folder.path("run"), directory.path + "/"] {
            let opened = try CheckpointFolder.open(path: path)
            #expect(opened.step == 2)
            #expect(try value(of: opened.folder) == 2)
            #expect(opened.skipped.map(\.faults.count) == [1, 1])
            #expect(opened.warnings.count == 3)
            #expect(opened.warnings[0].contains("step-00000004: model.safetensors: expected SHA-256 "))
            #expect(opened.warnings[1].contains("step-00000003: manifest.json: missing"))
        }
    }

    @Test("when no checkpoint is whole, the error names each one's fault")
    func noneWhole() throws {
        for step in 1...2 {
            try directory.write(step: step, contents: smallCheckpoint(1))
            try folder.change(name(step, CheckpointFile.run)) { $0.append(0) }
        }
        let error = #expect(throws: CheckpointError.self) { try directory.newestWhole() }
        guard case .noWholeCheckpoint(_, let skipped) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(skipped.count == 2)
        #expect(error?.description.contains("run.json: expected 13 bytes, found 14") == true)
    }

    @Test("pruning keeps the last K, the best, and the one that latest names")
    func pruning() throws {
        for step in 1...6 { try directory.write(step: step, contents: smallCheckpoint(Float(step))) }
        #expect(try directory.prune(keep: 2, best: 3) == [1, 2, 4])
        #expect(try directory.list() == [3, 5, 6])
        #expect(try directory.prune(keep: 2, best: 99) == [3])
        try directory.write(step: 2, contents: smallCheckpoint(2))
        #expect(try directory.prune(keep: 0) == [5])
        #expect(try directory.list() == [2, 6])
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("a damaged checkpoint does not count among the last K")
    func pruningDamaged() throws {
        for step in 1...4 { try directory.write(step: step, contents: smallCheckpoint(Float(step))) }
        try folder.change(name(4, CheckpointFile.model)) { $0.removeLast() }
        try folder.change(name(2, CheckpointFile.model)) { $0.removeLast() }
        #expect(try directory.prune(keep: 2) == [2])
        #expect(try directory.list() == [1, 3, 4])
    }

    @Test("a checkpoint of the same step is replaced")
    func replacing() throws {
        try directory.write(step: 7, contents: smallCheckpoint(1))
        try directory.write(step: 7, contents: smallCheckpoint(2))
        #expect(try value(of: try #require(try directory.newestWhole()).folder) == 2)
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("what a dead writer left is removed at opening, what a living one is writing is not")
    func leftovers() throws {
        try folder.write("run/checkpoints/.step-00000009.partial-4711/model.safetensors", [1, 2, 3])
        try folder.write("run/checkpoints/.step-00000009.removed-1-2/model.safetensors", [1, 2, 3])
        try folder.write("run/checkpoints/.notes/private", [1])
        let other = folder
        try directory.write(step: 1) { draft throws(CheckpointError) in
            try smallCheckpoint(1)(&draft)
            let second = try CheckpointDirectory(path: other.path("run/checkpoints"))
            try second.write(step: 1, contents: smallCheckpoint(2))
        }
        #expect(try folder.hiddenEntries().sorted() == ["run/checkpoints/.notes", "run/checkpoints/.notes/private"])
        #expect(try value(of: try #require(try directory.newestWhole()).folder) == 1)
    }

    @Test(
        "a checkpoint holds each file once, under a plain name", arguments: ["", ".a", "a/b", "manifest.json", "twice"])
    func fileNames(name: String) throws {
        #expect(throws: CheckpointError.invalidFileName(name: name)) {
            try directory.write(step: 1) { draft throws(CheckpointError) in
                try draft.add("twice", bytes: [])
                try draft.add(name, bytes: [])
            }
        }
        #expect(try directory.list().isEmpty)
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("writers that give up leave nothing")
    func givingUp() throws {
        let error = CheckpointError.contents(path: "weights", reason: "not finite")
        #expect(throws: error) {
            try directory.write(step: 1) { draft throws(CheckpointError) in
                try draft.add("a", bytes: [1])
                throw error
            }
        }
        #expect(try directory.list().isEmpty)
        #expect(try folder.hiddenEntries().isEmpty)
    }
}
