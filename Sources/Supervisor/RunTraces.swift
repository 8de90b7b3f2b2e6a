// What a start that was refused would leave in its directory.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What was in a run's directory before a start, so that one that fails before there is a run leaves nothing behind.
struct RunTraces {
    private let output: String
    /// The directories that were missing, the innermost first: the run's own and those above it.
    private let missingDirectories: [String]
    /// What a start makes before there is a run, and was not there.
    private let missingEntries: [String]

    init(_ output: String) {
        self.output = output
        missingEntries = ["logs", "data", "checkpoints", "server.lock", "endpoint"].filter {
            access("\(output)/\($0)", F_OK) != 0
        }
        var missing: [String] = []
        var path = output
        while path.hasSuffix("/"), path != "/" { path.removeLast() }
        while !path.isEmpty, access(path, F_OK) != 0 {
            missing.append(path)
            guard let slash = path.lastIndex(of: "/") else { break }
            path = String(path[..<slash])
        }
        missingDirectories = missing
    }

    /// Removes what came since, unless a run is there. Directories that hold anything else stay.
    func remove() {
        guard access("\(output)/run.json", F_OK) != 0 else { return }
        for entry in missingEntries {
            let path = "\(output)/\(entry)"
            if unlink(path) == 0 { continue }
            for name in Self.names(in: path) { unlink("\(path)/\(name)") }
            rmdir(path)
        }
        for directory in missingDirectories { rmdir(directory) }
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
