// What a file that a user names may be.

import Foundation
import Platform
import Testing

private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-input-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
}

@Test("a pipe is read as a stream, and refused where a file is read twice")
func pipesAreStreams() throws {
    try withFolder { folder in
        let path = folder + "/pipe"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: InputFileError.kind(path: path, is: "a pipe", expected: "a regular file")) {
            try InputFile.open(path, .regular)
        }
        let writer = Thread {
            usleep(50_000)
            try? Data("late words".utf8).write(to: URL(fileURLWithPath: path))
        }
        writer.start()
        let words = try InputFile.contents(path, bytesMax: 100)
        #expect(words == Array("late words".utf8))
    }
}

@Test("a device, a folder and a file that is too large are refused at once")
func othersAreRefused() throws {
    try withFolder { folder in
        for path in ["/dev/zero", folder] {
            #expect(throws: InputFileError.self) { try InputFile.contents(path, bytesMax: 10) }
        }
        // As cron gives it: an empty stream, and no file.
        let nothing = try InputFile.contents("/dev/null", bytesMax: 10)
        #expect(nothing.isEmpty)
        #expect(throws: InputFileError.self) { try InputFile.open("/dev/null", .regular) }
        let path = folder + "/long"
        try Data(repeating: 7, count: 11).write(to: URL(fileURLWithPath: path))
        #expect(throws: InputFileError.size(path: path, bytesMax: 10)) { try InputFile.contents(path, bytesMax: 10) }
        #expect(try InputFile.contents(path, bytesMax: 11).count == 11)
        #expect(throws: InputFileError.system(path: folder + "/none", code: ENOENT)) {
            try InputFile.open(folder + "/none", .stream)
        }
    }
}

@Test(
    "what the kernel makes up is no file, though it says so: nothing hangs, and nothing is read",
    arguments: ["/proc/self/mem", "/proc/kmsg", "/proc/cpuinfo", "/sys/kernel/mm/transparent_hugepage/enabled"])
func kernelFilesAreRefused(path: String) {
    guard access(path, R_OK) == 0 else { return }
    for (kind, expected) in [(InputFile.Kind.regular, "a regular file"), (.stream, "a file or a pipe")] {
        #expect(throws: InputFileError.kind(path: path, is: "made up by the kernel", expected: expected)) {
            try InputFile.open(path, kind)
        }
    }
}

@Test("standard input is no text that is read twice, and a descriptor's name is known as one")
func streamsAreNamed() {
    #expect(throws: InputFileError.kind(path: "-", is: "a stream", expected: "a regular file")) {
        try InputFile.open("-", .regular)
    }
    for path in ["-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/3"] { #expect(InputFile.isDescriptor(path)) }
    for path in ["./-", "stdin", "/dev/null"] { #expect(!InputFile.isDescriptor(path)) }
}

@Test("a socket is called one")
func socketsAreNamed() throws {
    try withFolder { folder in
        let path = folder + "/socket"
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(bound == 0)
        #expect(throws: InputFileError.kind(path: path, is: "a socket", expected: "a regular file")) {
            try InputFile.open(path, .regular)
        }
    }
}
