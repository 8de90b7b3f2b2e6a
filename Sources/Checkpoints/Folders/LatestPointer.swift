// What `latest` is in a directory of checkpoints, and how it comes to lead to another one.

/// The entry `latest`: a symbolic link to the newest checkpoint's folder or, where the file system has no such links, a
/// text file with the folder's name. Programs that unpack links as text leave the same file behind.
enum LatestPointer {
    static let name = "latest"
    private static let textBytesMax = 256

    /// The folder's name that `latest` in this directory gives, whether it is there or not; nil when it gives none, as
    /// a folder that was copied in its place.
    static func target(in directory: String) -> String? {
        let path = Paths.join(directory, name)
        switch Paths.kind(path) {
        case .link: return Paths.linkTarget(path)
        case .file: return text(of: path)
        case .folder, nil: return nil
        }
    }

    /// The folder that a text file `latest` at this path leads to; nil when the path is anything else.
    static func folder(named path: String) -> String? {
        let (parent, last) = Paths.split(path)
        guard last == name, Paths.kind(path) == .file, let target = target(in: parent),
            CheckpointDirectory.step(ofFolder: target) != nil
        else { return nil }
        return Paths.join(parent, target)
    }

    /// Whether `latest` is a text file because the file system has no links.
    static func isText(in directory: String) -> Bool { Paths.kind(Paths.join(directory, name)) == .file }

    /// Lets `latest` lead to a folder of this directory. What stands in its place is replaced, unless it is a folder
    /// with anything in it that is not part of a checkpoint: then this throws `.occupied`.
    static func point(to folder: String, in directory: String, _ fileSystem: FileSystem) throws(CheckpointError) {
        let place = Paths.join(directory, name)
        let partial = Paths.join(directory, HiddenName(base: name, role: .partial).text)
        do {
            try fileSystem.removeFile(partial)
            try make(partial, leadingTo: folder, fileSystem)
            if Paths.kind(place) == .folder { try clear(place, in: directory, fileSystem) }
            try fileSystem.replace(place, with: partial)
            try fileSystem.syncFolder(directory)
        } catch {
            try? fileSystem.removeFile(partial)
            throw error
        }
    }

    private static func make(
        _ path: String, leadingTo folder: String, _ fileSystem: FileSystem
    ) throws(CheckpointError) {
        do {
            try fileSystem.link(path, to: folder)
        } catch {
            guard error.isUnsupported || error == .notPermitted(path: path, action: "make the link") else {
                throw error
            }
            var file = try OutputFile(creating: path, fileSystem: fileSystem)
            try file.append(Array("\(folder)\n".utf8))
            _ = try file.finish()
        }
    }

    /// Removes a folder that stands where the link belongs, as some copiers leave it.
    private static func clear(
        _ place: String, in directory: String, _ fileSystem: FileSystem
    ) throws(CheckpointError) {
        try CheckpointFolder.checkReplaceable(place)
        let doomed = HiddenName.free(base: name, role: .removed, in: directory)
        try fileSystem.rename(place, to: doomed)
        try fileSystem.removeTree(doomed)
    }

    private static func text(of path: String) -> String? {
        guard let file = try? InputFile(path: path), file.size <= textBytesMax else { return nil }
        var bytes = [UInt8](repeating: 0, count: file.size)
        let count = bytes.withUnsafeMutableBytes { try? file.fill($0) } ?? 0
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        return text.split(whereSeparator: \.isWhitespace).first.map(String.init)
    }
}
