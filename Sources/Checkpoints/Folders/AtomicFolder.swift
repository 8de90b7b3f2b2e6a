// How a checkpoint folder comes into being: written beside its place, synced, renamed.

import Platform

enum AtomicFolder {
    /// Writes `parent/name` with what `contents` adds to it; an existing folder of this name is replaced.
    ///
    /// At each instant, `parent` holds the old folder or the new one, whole: in its place, or for the moment between
    /// two renames under the hidden name `.name.replaced-PID`, where readers look for it too, and from where
    /// `PartialFolder.cleanUp` puts it back.
    static func write(
        _ name: String, in parent: String, fileSystem: FileSystem, contents: CheckpointDraft.Contents
    ) throws(CheckpointError) -> CheckpointFolder {
        var partial = try PartialFolder(for: name, in: parent, fileSystem: fileSystem)
        do {
            var draft = CheckpointDraft(folder: partial.path, fileSystem: fileSystem)
            try contents(&draft)
            let manifest = try draft.finish()
            try LongWork.run { () throws(CheckpointError) in
                try place(partial.path, as: name, in: parent, fileSystem)
            }
            return CheckpointFolder(path: Paths.join(parent, name), manifest: manifest)
        } catch {
            partial.remove(fileSystem)
            throw error
        }
    }

    private static func place(
        _ partial: String, as name: String, in parent: String, _ fileSystem: FileSystem
    ) throws(CheckpointError) {
        let place = Paths.join(parent, name)
        // Whatever it is: few file systems rename a folder over one that is not empty, none over a file.
        var aside: String?
        if Paths.kind(place) != nil {
            let hidden = HiddenName.free(base: name, role: .replaced, in: parent)
            try fileSystem.rename(place, to: hidden)
            aside = hidden
        }
        var isPlaced = false
        do {
            try fileSystem.rename(partial, to: place)
            isPlaced = true
            try fileSystem.syncFolder(parent)
        } catch {
            if isPlaced { try? fileSystem.rename(place, to: partial) }
            if let aside { try? fileSystem.rename(aside, to: place) }
            throw error
        }
        // The new folder is in place: what is left of the old one is a matter of tidiness, and the next clean-up's.
        if let aside { try? fileSystem.removeTree(aside) }
    }
}
