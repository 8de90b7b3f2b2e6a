// What a child said.

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

    /// The log from its present end on.
    init(path: String) {
        self.path = path
        var status = stat()
        start = stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// The last lines, at most `count`.
    func lastLines(_ count: Int) -> [String] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        fseek(file, 0, SEEK_END)
        let end = ftell(file)
        let from = max(start, end - Self.tailBytes)
        guard end > from, fseek(file, from, SEEK_SET) == 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: end - from)
        let read = fread(&bytes, 1, bytes.count, file)
        let lines = String(decoding: bytes[..<read], as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.suffix(count).map { String($0) }
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
}
