// Checkpoints that stand alone, as `rondo pull` writes them.

import FoundationEssentials
import Testing

@testable import Checkpoints

@Suite("A checkpoint that stands alone")
struct CheckpointFolderTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("it is written with the folders above it, opened, and replaced by a newer one")
    func roundTrip() throws {
        let path = folder.path("models/best")
        try CheckpointFolder.write(to: path, contents: smallCheckpoint(1))
        try CheckpointFolder.write(to: path + "/", contents: smallCheckpoint(2))
        let opened = try CheckpointFolder.open(path: path)
        #expect(try value(of: opened.folder) == 2)
        #expect(opened.step == nil)
        #expect(opened.folder.files == [CheckpointFile.model, CheckpointFile.run])
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test("an empty folder or a link to one is filled")
    func emptyFolder() throws {
        try FileManager.default.createDirectory(atPath: folder.path("real"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "real")
        try CheckpointFolder.write(to: folder.path("link"), contents: smallCheckpoint(1))
        #expect(Paths.kind(folder.path("link")) == .link)
        #expect(try value(of: CheckpointFolder.open(path: folder.path("real")).folder) == 1)
    }

    @Test("a folder with anything else in it is left alone")
    func occupied() throws {
        try CheckpointFolder.write(to: folder.path("a"), contents: smallCheckpoint(1))
        try folder.write("a/thesis.tex", [1])
        let path = try #require(Paths.resolved(folder.path("a")))
        #expect(throws: CheckpointError.occupied(path: path, entry: "thesis.tex")) {
            try CheckpointFolder.write(to: folder.path("a"), contents: smallCheckpoint(2))
        }
        #expect(try value(of: CheckpointFolder.open(path: folder.path("a")).folder) == 1)
        try folder.write("file", [1])
        #expect(throws: CheckpointError.self) {
            try CheckpointFolder.write(to: folder.path("file"), contents: smallCheckpoint(2))
        }
        #expect(try folder.read("file") == [1])
        #expect(throws: CheckpointError.self) {
            try CheckpointFolder.write(to: folder.path("file/below"), contents: smallCheckpoint(2))
        }
        #expect(try folder.hiddenEntries().isEmpty)
    }

    @Test(
        "the working directory, what is above it, and mount points are refused", arguments: [".", "..", "/", "/proc/"])
    func irreplaceable(path: String) throws {
        #expect(throws: CheckpointError.irreplaceable(path: path)) {
            try CheckpointFolder.write(to: path, contents: smallCheckpoint(1))
        }
    }

    @Test("opening says what is wrong with the path")
    func wrongPaths() throws {
        let nowhere = folder.path("nowhere")
        #expect(throws: CheckpointError.notFound(path: nowhere)) { try CheckpointFolder.open(path: nowhere) }
        try folder.write("file", [1])
        #expect(throws: CheckpointError.notADirectory(path: folder.path("file"))) {
            try CheckpointFolder.open(path: folder.path("file"))
        }
        #expect(throws: CheckpointError.noCheckpoint(path: folder.path)) {
            try CheckpointFolder.open(path: folder.path)
        }
        try folder.write("half/model.safetensors", [1])
        let faults = [CheckpointFault.missing(file: CheckpointFile.manifest)]
        #expect(throws: CheckpointError.damaged(path: folder.path("half"), faults: faults)) {
            try CheckpointFolder.open(path: folder.path("half"))
        }
    }

    @Test("a file that changes after it was verified is refused when read")
    func changedLater() throws {
        let checkpoint = try CheckpointFolder.write(to: folder.path("a"), contents: smallCheckpoint(1))
        try folder.change("a/run.json") { $0[0] = 0 }
        #expect(throws: CheckpointError.self) { try checkpoint.read(CheckpointFile.run) }
    }

    @Test("a manifest cannot reach outside its folder")
    func escape() throws {
        let digest = FileDigest(size: 0, sha256: String(repeating: "0", count: 64))
        for name in ["../secret", "/etc/passwd", "..", "", "a/b"] {
            #expect(throws: CheckpointFault.self) { try Manifest(decoding: Manifest(files: [name: digest]).encoded()) }
        }
    }
}
