// What rondo audit prints for people.

import Ledger
import Platform
import Supervisor

enum AuditText {
    private static let linesMax = 10

    /// One run.
    static func lines(_ report: AuditReport) -> [String] {
        var rows: [(String, String)] = [("run", "\(report.run) in \(report.directory), \(report.consistency)")]
        rows.append(("steps", steps(report)))
        rows.append(("epochs", epochs(report)))
        let hidden = report.lives.count - linesMax
        if hidden > 0 { rows.append(("lives", "\(count(hidden, "life", "lives")) before these; see --json")) }
        for (index, life) in report.lives.suffix(linesMax).enumerated() {
            rows.append((index == 0 && hidden <= 0 ? "lives" : "", text(life)))
        }
        for (index, change) in report.changes.suffix(linesMax).enumerated() {
            let place = "after step \(grouped(change.version))"
            rows.append((index == 0 ? "changed" : "", "\(change.key) from \(change.old) to \(change.new) \(place)"))
        }
        if let best = report.evaluations.min(by: { $0.loss < $1.loss }), let last = report.evaluations.last {
            rows.append(
                (
                    "validation",
                    "\(count(report.evaluations.count, "evaluation")); lowest \(Readable.loss(best.loss)) at step "
                        + "\(grouped(best.step)), last \(Readable.loss(last.loss)) at step \(grouped(last.step))"
                ))
        }
        if report.consistency == LifeRecord.synchronous, report.redoneSteps > 0 {
            rows.append(("redone", "\(count(report.redoneSteps, "step")) after restarts, each with the same bits"))
        }
        if let staleness = report.stalenessMax {
            rows.append(("staleness", "at most \(count(staleness, "update")); the bits depend on the cluster"))
        }
        for (index, share) in report.workers.prefix(linesMax).enumerated() {
            let time = "\(Readable.fixed(share.seconds, 1)) s"
            rows.append((index == 0 ? "workers" : "", "\(share.worker): \(count(share.shards, "shard")) in \(time)"))
        }
        if report.workers.count > linesMax { rows.append(("", "and \(report.workers.count - linesMax) more")) }
        if report.duplicatesRefused + report.speculationsWon > 0 {
            rows.append(
                (
                    "refused",
                    "\(count(report.duplicatesRefused, "partial sum")) that came twice or late; "
                        + "\(count(report.speculationsWon, "span")) won by a second worker"
                ))
        }
        let steps = report.checkpoints.isEmpty ? "" : ": " + StepList.text(report.checkpoints)
        rows.append(
            (
                "digests",
                "of \(count(report.digests, "checkpoint")); \(report.checkpoints.count) on disk, as the ledger says"
                    + steps
            ))
        for note in report.notes.prefix(linesMax) { rows.append(("note", note)) }
        for violation in report.violations.prefix(linesMax) { rows.append(("WRONG", "\(violation)")) }
        if report.violationCount > linesMax {
            rows.append(("", "and \(count(report.violationCount - linesMax, "violation")) more; see --json"))
        }
        // Names and reasons in a ledger were written by others.
        return rows.map { $0.0 + String(repeating: " ", count: 13 - $0.0.count) + ForeignText.shown($0.1) }
            + [verdict(report)]
    }

    private static func steps(_ report: AuditReport) -> String {
        let done = report.consistency == LifeRecord.synchronous ? "" : ", \(count(report.version, "update"))"
        return "\(grouped(report.provenSteps)) proven of \(grouped(report.totalSteps)), "
            + (report.isComplete ? "complete" : "not complete") + done
    }

    private static func epochs(_ report: AuditReport) -> String {
        "\(grouped(report.provenEpochs)) whole; each has \(count(report.stepsPerEpoch, "step")) of "
            + "\(count(report.shards, "shard")), \(count(report.examplesPerEpoch, "example")), "
            + "\(count(report.tokensPerEpoch, "token"))"
    }

    private static func text(_ life: LifeSummary) -> String {
        let end = life.end.map { "\($0)" } ?? "no end"
        let servers = life.partitions > 1 ? ", \(life.partitions) servers" : ""
        return "\(life.incarnation): from step \(grouped(life.began)) to \(grouped(life.reached)), \(end), "
            + "\(life.started)\(servers)"
    }

    private static func verdict(_ report: AuditReport) -> String {
        guard report.isProven else {
            return "not proven: \(count(report.violationCount, "violation")); "
                + "what is before step \(grouped(report.provenSteps + 1)) is in order"
        }
        return "proven: up to step \(grouped(report.provenSteps)) every example was counted exactly once an epoch"
    }

    /// Two runs.
    static func lines(_ comparison: RunComparison, _ first: AuditReport, _ second: AuditReport) -> [String] {
        var lines = comparison.differences.prefix(linesMax).map {
            ForeignText.shown("the configurations differ in \($0.key): \($0.first) and \($0.second)")
        }
        if let reason = comparison.incomparable {
            lines.append("not compared: \(reason)")
        } else if let parting = comparison.parting {
            lines.append(
                ForeignText.shown(
                    "the runs part at step \(grouped(parting.step)): \(parting.what) is \(parting.first) in "
                        + "\(first.directory), and \(parting.second) in \(second.directory)"))
        } else if comparison.agree {
            lines.append(
                "the runs agree on all \(count(comparison.steps, "step")) that both have, to the last bit, and on the "
                    + "digests of \(count(comparison.digests, "checkpoint"))")
        } else {
            lines.append(
                "no difference in \(count(comparison.steps, "step")), but not both ledgers are in order, or one is "
                    + "empty")
        }
        return lines
    }

    private static func count(_ number: Int, _ noun: String, _ nouns: String? = nil) -> String {
        Readable.counted(number, noun, plural: nouns)
    }

    private static func grouped(_ number: Int) -> String { Readable.grouped(number) }
}
