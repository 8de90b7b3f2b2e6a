// Small files, links and directories.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Small files, links and directories.
enum FileText {
    /// The content of a file of at most 16 MiB; `nil` if it cannot be read.
    static func bytes(_ path: String) -> [UInt8]? {
        try? InputFile.contents(path, .regular, bytesMax: 16 << 20)
    }

    /// Where a symbolic link points; `nil` if there is none.
    static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
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
