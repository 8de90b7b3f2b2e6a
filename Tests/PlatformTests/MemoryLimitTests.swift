// The limits of memory as the system states them.

import Foundation
import Testing

@testable import Platform

@Suite("limits of memory")
struct MemoryLimitTests {
    /// A root with a few files below it, gone with the test.
    private final class Root {
        let path = NSTemporaryDirectory() + "/rondo-limits-\(UUID().uuidString)"
        deinit { try? FileManager.default.removeItem(atPath: path) }
        func write(_ text: String, to name: String) throws {
            let file = URL(fileURLWithPath: path + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    @Test("version 2: the least limit of the group and those above it")
    func unified() throws {
        let root = Root()
        try root.write("0::/user.slice/run.scope\n", to: "/proc/self/cgroup")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == nil)
        try root.write("max\n", to: "/sys/fs/cgroup/user.slice/run.scope/memory.max")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == nil)
        try root.write("4000000000\n", to: "/sys/fs/cgroup/user.slice/memory.max")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == 4_000_000_000)
        try root.write("3000000000\n", to: "/sys/fs/cgroup/user.slice/run.scope/memory.max")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == 3_000_000_000)
    }

    @Test("version 2 in a container: the limit is at the mount")
    func container() throws {
        let root = Root()
        try root.write("0::/\n", to: "/proc/self/cgroup")
        try root.write("536870912\n", to: "/sys/fs/cgroup/memory.max")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == 536_870_912)
    }

    @Test("version 1: the memory controller's group; its largest number is no limit")
    func separate() throws {
        let root = Root()
        try root.write("5:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/\n", to: "/proc/self/cgroup")
        try root.write("9223372036854771712\n", to: "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == nil)
        // The host's path is not there in a container: the mount's own file holds.
        try root.write("1073741824\n", to: "/sys/fs/cgroup/memory/memory.limit_in_bytes")
        #expect(ControlGroup.memoryBytesMax(root: root.path) == 1 << 30)
    }

    @Test("the machine's memory is always a limit, and there is some")
    func machine() {
        let machine = MemoryLimits.current.first { $0.source == .machine }
        #expect((machine?.bytes ?? 0) > 1 << 26)
    }
}

@Suite("room on a file system")
struct FileSystemSpaceTests {
    @Test("of a directory that is not there, the nearest one above it counts")
    func missing() throws {
        let folder = NSTemporaryDirectory() + "/rondo-space-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let space = try #require(FileSystemSpace(for: folder + "/a/b//c/"))
        #expect(space.existing == folder)
        #expect(space.freeBytes > 0 && space.isWritable)
        #expect(try #require(FileSystemSpace(for: "neither/here")).existing == ".")
        #expect(try #require(FileSystemSpace(for: "/no-such-folder/x")).existing == "/")
    }

    @Test("a place below a file is none")
    func file() throws {
        let file = NSTemporaryDirectory() + "/rondo-space-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        #expect(FileSystemSpace(for: file + "/run") == nil)
    }
}
