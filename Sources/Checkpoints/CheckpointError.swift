// What can go wrong with checkpoints: the errors thrown by the module, and the faults that verification finds.

import Platform

/// An error of reading or writing checkpoints, with the path concerned and what a user can do about it.
public enum CheckpointError: Error, Equatable, Sendable {
    /// The disk or the quota is full (`ENOSPC`, `EDQUOT`). No partial checkpoint is left behind.
    case diskFull(path: String)
    /// The process may not do this (`EACCES`, `EPERM`, `EROFS`).
    case notPermitted(path: String, action: String)
    /// Nothing exists at the path.
    case notFound(path: String)
    /// Something other than a directory is in the way.
    case notADirectory(path: String)
    /// Any other failed system call; `code` is its `errno`.
    case system(path: String, action: String, code: Int32)
    /// The destination exists and is not a checkpoint that may be replaced.
    case occupied(path: String, entry: String)
    /// The destination is a mount point, or the working directory or above it: no folder can take its place at once.
    case irreplaceable(path: String)
    /// The checkpoint is there, but not whole.
    case damaged(path: String, faults: [CheckpointFault])
    /// The directory holds no checkpoint at all.
    case noCheckpoint(path: String)
    /// The directory holds checkpoints, and every one of them is damaged.
    case noWholeCheckpoint(path: String, skipped: [SkippedCheckpoint])
    /// The checkpoint has no file of this name.
    case noSuchFile(path: String, name: String, files: [String])
    /// A file name that is not a plain visible name, or one that was given twice.
    case invalidFileName(name: String)
    /// A safetensors file is not valid, or does not hold what was asked for.
    case safetensors(path: String, SafetensorsError)
    /// For callers: what they were to put into the checkpoint, or found in it, is not right.
    case contents(path: String, reason: String)

    init(code: Int32, path: String, action: String) {
        switch code {
        case ErrorNumber.noSpace, ErrorNumber.quota: self = .diskFull(path: path)
        case ErrorNumber.access, ErrorNumber.permission, ErrorNumber.readOnly:
            self = .notPermitted(path: path, action: action)
        case ErrorNumber.noEntry: self = .notFound(path: path)
        case ErrorNumber.notDirectory: self = .notADirectory(path: path)
        default: self = .system(path: path, action: action, code: code)
        }
    }
}

extension CheckpointError {
    /// Whether the disk is to blame, and not what is on it or who may use it.
    public var isStorageFailure: Bool {
        switch self {
        case .diskFull, .system: true
        default: false
        }
    }

    /// Whether a checkpoint is refused because its weights differ from what was written.
    public var areWeightsChanged: Bool {
        let faults: [CheckpointFault] =
            switch self {
            case .damaged(_, let faults): faults
            case .noWholeCheckpoint(_, let skipped): skipped.flatMap(\.faults)
            default: []
            }
        return faults.contains { fault in
            switch fault {
            case .size(CheckpointFile.model, _, _), .digest(CheckpointFile.model, _, _): true
            default: false
            }
        }
    }
}

extension CheckpointError: CustomStringConvertible {
    /// One or more lines for a user: what happened, where, and what to do.
    public var description: String {
        switch self {
        case .diskFull(let path):
            "\(path): the disk is full; free some space. Earlier checkpoints are untouched"
        case .notPermitted(let path, let action):
            "\(path): not permitted to \(action); check the owner and mode of the directory, or choose another"
        case .notFound(let path):
            "\(path): no such file or directory"
        case .notADirectory(let path):
            "\(path): not a directory; move it away or choose another path"
        case .system(let path, let action, let code):
            "\(path): cannot \(action): \(ErrorNumber.text(code)) (errno \(code))"
        case .occupied(let path, let entry):
            "\(path): holds '\(entry)', which is not part of a checkpoint; choose a new or empty directory"
        case .irreplaceable(let path):
            "\(path): is a mount point or holds the working directory, and cannot be replaced at once; "
                + "name a new directory in it"
        case .damaged(let path, let faults):
            "\(path): the checkpoint is damaged:" + faults.map { "\n  \($0)" }.joined()
        case .noCheckpoint(let path):
            "\(path): holds no checkpoint; name a folder with a \(CheckpointFile.manifest), "
                + "or a directory of step-… folders"
        case .noWholeCheckpoint(let path, let skipped):
            "\(path): none of its \(Counted.text(skipped.count, "checkpoint")) is whole:"
                + skipped.map { "\n\($0)" }.joined()
        case .noSuchFile(let path, let name, let files):
            "\(path): the checkpoint has no file '\(name)'; it has \(files.joined(separator: ", "))"
        case .invalidFileName(let name):
            "'\(name)' cannot name a file in a checkpoint: it is empty, hidden, holds '/', or was given twice"
        case .safetensors(let path, let error):
            "\(path): \(error)"
        case .contents(let path, let reason):
            "\(path): \(reason)"
        }
    }
}

/// One thing that is wrong with a checkpoint: the file, what the manifest promises, and what was found.
public enum CheckpointFault: Error, Equatable, Sendable {
    /// The manifest or a file that it lists is not there.
    case missing(file: String)
    /// The file has another length, in bytes, than the manifest says.
    case size(file: String, expected: Int, found: Int)
    /// The file's contents have changed; SHA-256 in lower-case hexadecimal.
    case digest(file: String, expected: String, found: String)
    /// The file cannot be read.
    case unreadable(file: String, reason: String)

    /// The name of the file concerned.
    public var file: String {
        switch self {
        case .missing(let file), .size(let file, _, _), .digest(let file, _, _), .unreadable(let file, _):
            file
        }
    }
}

extension CheckpointFault: CustomStringConvertible {
    /// One line: file, expected, found.
    public var description: String {
        switch self {
        case .missing(let file): "\(file): missing"
        case .size(let file, let expected, let found): "\(file): expected \(expected) bytes, found \(found)"
        case .digest(let file, let expected, let found): "\(file): expected SHA-256 \(expected), found \(found)"
        case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
        }
    }
}

/// A checkpoint that was passed over because it is not whole.
public struct SkippedCheckpoint: Error, Equatable, Sendable, CustomStringConvertible {
    /// The checkpoint's folder.
    public var path: String
    /// What is wrong with it; never empty.
    public var faults: [CheckpointFault]

    /// A warning of one line for each fault, the folder first.
    public var description: String {
        faults.map { "skipped \(path): \($0)" }.joined(separator: "\n")
    }

    /// Whether a file of it could not be read, so that nothing is known of what it holds.
    public var isUnreadable: Bool {
        faults.contains { if case .unreadable(let file, _) = $0 { file != CheckpointFile.manifest } else { false } }
    }
}
