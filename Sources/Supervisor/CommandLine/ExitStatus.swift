// How a program of ours ends.

/// The exit codes of all three executables.
public enum ExitStatus: Int32, Error, Sendable, CaseIterable {
    /// Done.
    case done = 0
    /// A mistake on the command line or in the configuration.
    case usage = 64
    /// Data, or a checkpoint, that cannot be used.
    case badData = 65
    /// A server that cannot be reached.
    case unreachable = 69
    /// A failure of the run or of the program.
    case internalError = 70
    /// The disk does not let a run go on that is there: it is full, over quota, or read-only.
    case storage = 74
    /// A partition server was lost, and the run can go on from its newest checkpoint when it is started again.
    case partitionLost = 75
    /// Interrupted; a training run has written a checkpoint before.
    case interrupted = 130
}

/// An end that is not the wished one, with what to tell the user.
public struct ProgramFailure: Error, Sendable, CustomStringConvertible {
    /// The exit code.
    public var status: ExitStatus
    /// One line: what happened and what to do.
    public var description: String
    /// Further lines, such as the end of a log.
    public var details: [String]
    /// Other problems of the same status, each on a line of its own.
    public var others: [String] = []

    /// A failure.
    public init(_ status: ExitStatus, _ description: String, details: [String] = []) {
        self.status = status
        self.description = description
        self.details = details
    }

    /// Several problems at once; there is at least one.
    public init(_ status: ExitStatus, all problems: [String]) {
        self.init(status, problems.first ?? "")
        others = Array(problems.dropFirst())
    }

    /// The description as one line, whatever it was put together from.
    public var line: String { Self.line(description) }

    /// All problems, one line each.
    public var lines: [String] { [line] + others.map(Self.line) }

    private static func line(_ text: String) -> String {
        var line = ""
        for part in text.split(whereSeparator: \.isNewline) {
            let words = part.trimmingBlanks
            if words.isEmpty { continue }
            if !line.isEmpty { line += line.hasSuffix(":") || line.hasSuffix(",") ? " " : "; " }
            line += words
        }
        return line
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
