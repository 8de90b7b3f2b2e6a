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

/// Small files.
enum FileText {
    /// The content of a file of at most 16 MiB; `nil` if it cannot be read.
    static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < 16 << 20 {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return ferror(file) == 0 ? bytes : nil
    }

    /// Makes a directory and those above it.
    ///
    /// - Returns: 0, or the `errno`.
    static func makeDirectories(_ path: String) -> Int32 {
        if mkdir(path, 0o777) == 0 { return 0 }
        switch errno {
        case EEXIST:
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? 0 : ENOTDIR
        case ENOENT:
            guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return ENOENT }
            let failure = makeDirectories(String(path[..<slash]))
            return failure != 0 ? failure : mkdir(path, 0o777) == 0 || errno == EEXIST ? 0 : errno
        case let code: return code
        }
    }
}
