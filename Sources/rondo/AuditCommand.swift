// rondo audit: what a run's ledger proves.

import ArgumentParser
import Ledger
import Supervisor

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Prove that a run counted every example once, and that two runs agree.",
        discussion: """
            Checks the ledger of a run against itself, the run's data, its configuration and its checkpoints. With two \
            directories it also says whether the runs agree to the last bit, or names the first step where they part. \
            Exit code 65 when anything is wrong.
            """)

    @Argument(help: ArgumentHelp("The directory of a run, finished or not.", valueName: "dir"))
    var directory: String

    @Argument(help: ArgumentHelp("The directory of another run, to be compared.", valueName: "dir2"))
    var other: String?

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        Interruption.endsProgram()
        let (first, second): (RunAudit, RunAudit?)
        do {
            first = try RunAudit(directory: directory)
            second = try other.map { try RunAudit(directory: $0) }
        } catch {
            throw ProgramFailure(.badData, "\(error)")
        }
        let comparison = second.map { RunComparison(first, $0) }
        if json {
            let summary = AuditSummary(first: first.report, second: second?.report, comparison: comparison)
            try StandardOutput.line(JSONLine.encode(summary, pretty: true))
        } else {
            var lines = AuditText.lines(first.report)
            if let second, let comparison {
                lines += [""] + AuditText.lines(second.report) + [""]
                lines += AuditText.lines(comparison, first.report, second.report)
            }
            try StandardOutput.write(lines.joined(separator: "\n") + "\n")
        }
        let isProven = first.report.isProven && second?.report.isProven ?? true && comparison?.agree ?? true
        if !isProven { throw ExitStatus.badData }
    }
}

/// What `--json` prints: the report of one run, or those of two and their comparison.
struct AuditSummary: Encodable {
    var first: AuditReport
    var second: AuditReport?
    var comparison: RunComparison?

    private enum CodingKeys: String, CodingKey { case first, second, comparison }

    func encode(to encoder: any Encoder) throws {
        guard let second, let comparison else { return try first.encode(to: encoder) }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(first, forKey: .first)
        try container.encode(second, forKey: .second)
        try container.encode(comparison, forKey: .comparison)
    }
}
