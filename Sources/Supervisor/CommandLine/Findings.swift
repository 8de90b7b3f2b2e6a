// What was found before the start, told to the user.

import Preflight

extension ProgramFailure {
    /// Says notes on standard error, and refuses to start if there are problems.
    ///
    /// - Parameter program: the name that stands before messages.
    public static func refuse(_ findings: [Finding], program: String) throws(ProgramFailure) {
        for note in findings where note.kind == .note { StandardError.line("\(program): \(note.text)") }
        let problems = findings.filter { $0.kind != .note }
        guard !problems.isEmpty else { return }
        throw ProgramFailure(status(of: problems), all: problems.map(\.text))
    }

    /// The exit code for several problems: that of a mistake in the configuration before that of bad data.
    public static func status(of findings: [Finding]) -> ExitStatus {
        let kinds = findings.map(\.kind)
        if kinds.contains(.usage) { return .usage }
        if kinds.contains(.data) { return .badData }
        return kinds.contains(.port) ? .unreachable : .done
    }
}
