// The audit of a run's directory.

import Checkpoints
import Configuration
import Corpora
import Foundation
import Platform

/// A run's directory, audited.
///
///     let run = try RunAudit(directory: "runs/kjv")
///     print(run.report.provenSteps)
///
/// Works on a run that is going on as well: what is there is checked.
public struct RunAudit {
    /// What was found.
    public let report: AuditReport
    let configuration: RunConfiguration
    let history: StepHistory
    let digests: [Int: [String: String]]

    /// What `run.json` at the top of a run's directory says.
    private struct Identity: Decodable {
        var run: String
        var completed: Bool
    }

    /// Audits a run: its ledger against itself, its data, its configuration and its checkpoints.
    ///
    /// - Throws: `LedgerError` if there is nothing to audit, or nothing to audit it against.
    public init(directory: String) throws(LedgerError) {
        guard FileManager.default.fileExists(atPath: "\(directory)/\(Ledger.fileName)") else {
            throw .missing(path: "\(directory)/\(Ledger.fileName)")
        }
        let identity = try Self.identity("\(directory)/run.json")
        let configuration = try Self.configuration("\(directory)/configuration.json")
        let count: ExampleCount
        let data: [String: String]
        do {
            let corpus = try PreparedCorpus(directory: "\(directory)/data")
            let tokens = try MappedTokens(path: corpus.training.path)
            count = try ExampleCount(configuration, tokens: tokens, tokenizer: corpus.tokenizer)
            data = ["training": corpus.training.sha256].merging(
                corpus.validation.map { ["validation": $0.sha256] } ?? [:]
            ) { $1 }
        } catch {
            throw .data(directory: "\(directory)/data", reason: "\(error)")
        }
        // Before the ledger is read: it is never behind the checkpoints, so all of these must be in it.
        let checkpoints = CheckpointsOnDisk(directory: "\(directory)/checkpoints")
        var audit = LedgerAudit(count)
        try LedgerReader.read("\(directory)/\(Ledger.fileName)") { audit.take($0) }
        audit.finish()
        var violations = audit.violations
        Self.check(audit, identity.run, identity.completed, data: data, &violations)
        let (verified, notes) = checkpoints.check(against: audit, &violations)

        let proven = max(0, min(audit.completeSteps, (violations.lowestStep ?? .max) - 1))
        report = AuditReport(
            directory: directory, run: identity.run,
            consistency: audit.first?.consistency ?? LifeRecord.synchronous, isProven: violations.count == 0,
            provenSteps: proven, version: audit.reached, totalSteps: count.totalSteps, isComplete: identity.completed,
            stepsPerEpoch: count.stepsPerEpoch, shards: count.shards, provenEpochs: proven / count.stepsPerEpoch,
            examplesPerEpoch: count.examplesPerEpoch, tokensPerEpoch: count.tokensPerEpoch, tokens: audit.tokens,
            redoneSteps: audit.history.redone, lives: audit.lives,
            workers: audit.workers.values.sorted { $0.worker < $1.worker }, duplicatesRefused: audit.duplicatesRefused,
            speculationsWon: audit.speculationsWon,
            stalenessMax: audit.isSynchronous ? nil : audit.updates.stalenessMax, changes: audit.changes,
            evaluations: audit.evaluations.values.sorted { $0.version < $1.version }, digests: audit.digests.count,
            checkpoints: verified, notes: audit.notes + notes, violationCount: violations.count,
            violations: violations.first)
        self.configuration = configuration
        history = audit.history
        digests = audit.digests
    }

    /// Whether the run promises the same bits on any cluster.
    var isSynchronous: Bool { report.consistency == LifeRecord.synchronous }

    private static func check(
        _ audit: LedgerAudit, _ run: String, _ isCompleted: Bool, data: [String: String],
        _ violations: inout ViolationList
    ) {
        guard let first = audit.first else { return }
        if first.run != run {
            violations.add(
                LedgerViolation(.changedRun, "the ledger is of run \(first.run), the directory of run \(run)"))
        }
        for (name, digest) in data.sorted(by: { $0.key < $1.key }) where first.data[name] != digest {
            violations.add(
                LedgerViolation(
                    .changedRun,
                    "the \(name) data have SHA-256 \(digest), and the ledger says \(first.data[name] ?? "nothing")"))
        }
        if isCompleted, audit.end?.how != .completed {
            violations.add(
                LedgerViolation(
                    .endMissing, step: audit.completeSteps + 1,
                    "the run is complete, but its ledger ends at step \(audit.completeSteps) without saying so"))
        }
    }

    // MARK: - Files

    private static func identity(_ path: String) throws(LedgerError) -> Identity {
        do {
            return try JSONDocument.decode(
                Identity.self, from: try InputFile.contents(path, .regular, bytesMax: jsonBytesMax))
        } catch {
            throw .unreadable(
                path: path,
                reason: "\(InputFileError.reason(of: error)); was the directory copied whole?")
        }
    }

    private static func configuration(_ path: String) throws(LedgerError) -> RunConfiguration {
        do {
            return try JSONDocument.decode(
                RunConfiguration.self, from: try InputFile.contents(path, .regular, bytesMax: jsonBytesMax))
        } catch {
            throw .unreadable(
                path: path,
                reason: "\(InputFileError.reason(of: error)); was the directory copied whole?")
        }
    }

    private static let jsonBytesMax = 1 << 20
}
