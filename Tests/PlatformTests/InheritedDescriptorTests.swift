// What a child is handed by descriptor, and what it is not.

import Foundation
import Platform
import Testing

@Suite("descriptors that a child inherits")
struct InheritedDescriptorTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "rondo-child-\(UUID().uuidString)")

    private func output(of script: String, inheriting descriptors: [Int32]) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = folder.appendingPathComponent("log").path
        var child = try ChildProcess(
            executable: "/bin/sh", arguments: ["-c", script], inheriting: descriptors, log: log)
        #expect(child.wait(seconds: 20) == .exited(code: 0))
        return try String(contentsOfFile: log, encoding: .utf8)
    }

    @Test("files without names are read as /dev/fd/3, 4 and so on, as often as wanted, and by their owner alone")
    func namelessFiles() throws {
        let files = try ["first", "second", "third"].map { try NamelessFile(Array("\($0)\n".utf8)) }
        let text = try output(
            of: "cat /dev/fd/3 /dev/fd/4 /dev/fd/5 /dev/fd/3; stat -Lc %a /dev/fd/4",
            inheriting: files.map(\.descriptor))
        #expect(text == "first\nsecond\nthird\nfirst\n600\n")
    }

    @Test("descriptors keep their order, whatever numbers they have in the parent")
    func order() throws {
        let files = try (0..<8).map { try NamelessFile([UInt8(ascii: "0") + UInt8($0)]) }
        let shuffled = [5, 2, 7, 0, 6, 1, 4, 3]
        let text = try output(
            of: "for n in 3 4 5 6 7 8 9; do cat /dev/fd/$n; done", inheriting: shuffled.map { files[$0].descriptor })
        #expect(text == "5270614")
    }

    @Test("a child that is handed nothing finds nothing of its parent's")
    func nothing() throws {
        let file = try NamelessFile(Array("secret".utf8))
        // The shell reads the folder itself through a descriptor of its own.
        let text = try output(
            of: "for n in $(ls /proc/self/fd); do readlink /proc/$$/fd/$n || true; done", inheriting: [])
        #expect(file.descriptor > 2 && !text.contains("rondo-handed-over"), "\(text)")
    }
}
