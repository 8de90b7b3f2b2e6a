// What a child said.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The part of a log file that one life of a child wrote.
struct ChildLog {
    /// The path of the file.
    let path: String
    /// Where this life begins.
    private let start: Int
    private static let tailBytes = 16 << 10
    /// A dump of registers and frames may be long; what it is about stands before it.
    private static let reasonBytes = 1 << 20

    /// The log from its present end on.
    init(path: String) {
        self.path = path
        var status = stat()
        start = stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The last lines, at most `count`.
    func lastLines(_ count: Int) -> [String] { lines(ofLast: Self.tailBytes).suffix(count) }

    /// What this life wrote last, line by line.
    private func lines(ofLast bytesMax: Int) -> [String] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let end = ftell(file)
        let from = max(start, end - bytesMax)
        guard end > from, fseek(file, from, SEEK_SET) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: end - from)
        let read = fread(&bytes, 1, bytes.count, file)
        let lines = String(decoding: bytes[..<read], as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.map { ForeignText.shown(String($0), bytesMax: 1000) }
    }

    /// The last line with which a program of ours complained, without the program's name.
    func complaint() -> String? {
        for line in lastLines(50).reversed() {
            for name in ["rondo-server: ", "rondo-worker: "] where line.hasPrefix(name) {
                return String(line.dropFirst(name.count))
            }
        }
        return nil
    }

    /// The line that says why the process ended by a signal: the last one with the words of a run-time check, an
    /// allocator or a sanitizer, else the last before a dump of registers and frames; `nil` without any.
    func reason() -> String? {
        let lines = lines(ofLast: Self.reasonBytes)
        if let line = lines.last(where: { line in Self.reasons.contains { line.contains($0) } }) { return line }
        // "*** Program crashed: Bad pointer dereference at 0x… ***"
        return lines.last { line in Self.dumps.contains { line.contains($0) } }
    }

    private static let reasons = [
        "Fatal error", "fatal error", "Precondition failed", "Assertion failed", "Assertion `", "out of memory",
        "Out of memory", "Could not allocate", "terminate called", "bad_alloc", "ERROR: AddressSanitizer",
        "stack smashing detected", "corrupted", "free(): ", "malloc(): ",
    ]
    private static let dumps = ["Program crashed", "Stack dump"]
}
