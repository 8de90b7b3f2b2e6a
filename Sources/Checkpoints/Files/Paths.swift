// Looking at paths and folders without changing them.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

#if canImport(Glibc) || canImport(Musl)
private typealias Directory = OpaquePointer
#else
private typealias Directory = UnsafeMutablePointer<DIR>
#endif

enum Paths {
    enum Kind { case folder, file, link }

    static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : folder + "/" + name
    }

    /// Without slashes at the end, and "." for the empty path.
    static func trimmed(_ path: String) -> String {
        var path = path[...]
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path.isEmpty ? "." : String(path)
    }

    /// The folder that holds the path's last component, and that component.
    static func split(_ path: String) -> (parent: String, name: String) {
        let path = trimmed(path)
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (
            trimmed(slash == path.startIndex ? "/" : String(path[..<slash])), String(path[path.index(after: slash)...])
        )
    }

    /// What is at the path itself (a link is a link), or nil when nothing is or it cannot be seen.
    static func kind(_ path: String) -> Kind? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return switch status.st_mode & S_IFMT {
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .file
        }
    }

    /// Whether the path leads to a folder, through links or not.
    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether the folder (an absolute path without links) is a mount point, or holds the working directory.
    static func isInUse(_ path: String) -> Bool {
        if let working = resolved("."), working == path || working.hasPrefix(path + "/") { return true }
        var (status, parentStatus) = (stat(), stat())
        return lstat(path, &status) == 0 && lstat(split(path).parent, &parentStatus) == 0
            && status.st_mode & S_IFMT == S_IFDIR && status.st_dev != parentStatus.st_dev
    }

    /// The names in a folder, sorted, without "." and "..".
    static func entries(_ path: String) throws(CheckpointError) -> [String] {
        guard let folder = opendir(path) else {
            throw CheckpointError(code: errno, path: path, action: "list the directory")
        }
        defer { closedir(folder) }
        let (names, code) = names(in: folder)
        guard code == 0 else { throw CheckpointError(code: code, path: path, action: "list the directory") }
        return names
    }

    /// The names in an open folder, as far as they can be read; the descriptor is closed.
    static func entries(closing descriptor: Int32) -> [String] {
        guard let folder = fdopendir(descriptor) else {
            close(descriptor)
            return []
        }
        defer { closedir(folder) }
        return names(in: folder).names
    }

    private static func names(in folder: Directory) -> (names: [String], code: Int32) {
        var names: [String] = []
        errno = 0
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                    String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
            errno = 0
        }
        return (names.sorted(), errno)
    }

    /// Where a symbolic link points, or nil when the path is no link.
    static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBufferPointer { $0.baseAddress.map { readlink(path, $0, 4096) } ?? -1 }
        return count > 0 ? String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// The absolute path without links, or nil when it does not exist.
    static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
