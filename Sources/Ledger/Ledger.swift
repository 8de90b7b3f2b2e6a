// The module's front page: the audit ledger of a run, and what is proven from it.
//
//     runs/NAME/ledger.jsonl     one JSON object a line, only ever appended to
//
//     Records/   what a line can say: a life of the server begins, a step (or update) was applied, a checkpoint was
//                written, a life ends
//     File/      the writer (one write a line) and the reader (total: any bytes give lines or a reason)
//     Audit/     `LedgerAudit` checks the records one by one against each other and against the run's data;
//                `RunAudit` does so for a directory, and compares two
//
// Each line names the SHA-256 of the one before it: a line that was changed, removed, added or moved is noticed even
// where what it says would be plausible.
//
// A machine that crashes can leave the beginning of a line behind. The file is not cut then, it is only ever appended
// to: the next life ends that line and writes its own below. A reader passes over lines that make no sense and stand
// right before a life, or at the very end.
//
// The module knows records, files and schedules of data. It must not know sockets, clusters, or how a step is applied.

import Checkpoints

/// The ledger among the files of a run.
public enum Ledger {
    /// The name of the file in the run's directory.
    public static let fileName = "ledger.jsonl"

    /// The files of a checkpoint whose SHA-256 the ledger keeps: the weights, and all else that the next step depends
    /// on.
    public static let digestedFiles = [CheckpointFile.model, CheckpointFile.optimizer, stateFile]

    /// The file of a checkpoint with the carried hidden states.
    public static let stateFile = "state.safetensors"

    /// The digests of a checkpoint that belong into the ledger.
    public static func digests(of folder: CheckpointFolder) -> [String: String] {
        var digests: [String: String] = [:]
        for name in digestedFiles { digests[name] = folder.manifest.files[name]?.sha256 }
        return digests
    }
}

/// Why a run cannot be audited at all. (What the audit finds is a `LedgerViolation`.)
public enum LedgerError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no ledger.
    case missing(path: String)
    /// A file of the run cannot be read.
    case unreadable(path: String, reason: String)
    /// The run's data are not there any more, or are damaged: what should have been counted is not known.
    case data(directory: String, reason: String)

    /// One line: which file, what is wrong, what to do.
    public var description: String {
        switch self {
        case .missing(let path):
            "\(path): no such file; name the directory of a run, as given to --output (runs of releases before the "
                + "ledger have none)"
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .data(let directory, let reason):
            "\(directory): the run's prepared data are needed to know what should have been counted: \(reason)"
        }
    }
}
