// A small file that is written whole or not at all.

/// Replaces a file in one instant: written beside its place, synced, renamed.
package enum AtomicFile {
    /// Writes `bytes` to `path`. All is on the disk when this returns; on an error the file is as it was.
    package static func write(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
        let fileSystem = FileSystem.real
        let (parent, name) = Paths.split(path)
        let partial = Paths.join(parent, HiddenName(base: name, role: .partial).text)
        do {
            // A former process of this number may have left one behind.
            try fileSystem.removeFile(partial)
            var file = try OutputFile(creating: partial, fileSystem: fileSystem)
            try file.append(bytes)
            _ = try file.finish()
            try fileSystem.replace(path, with: partial)
            try fileSystem.syncFolder(parent)
        } catch {
            try? fileSystem.removeFile(partial)
            throw error
        }
    }

    /// Removes what writers of these files left in a folder when they were killed, and puts back what they had moved
    /// aside.
    package static func cleanUp(_ folder: String, names: [String]) throws(CheckpointError) {
        try PartialFolder.cleanUp(folder, fileSystem: .real) { names.contains($0) }
    }
}
