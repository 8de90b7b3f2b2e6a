// What the server writes into the run's ledger.

import Cluster
import Foundation
import Ledger
import Numerics
import Tasks

/// Collects what belongs to the step in progress, and appends it to the ledger once the step is applied.
struct StepRecorder {
    private var writer: LedgerWriter?
    private var incarnation: UInt64 = 0
    /// The spans of each sum in progress that count, in the order in which they came.
    private var spans: [Int: [(record: SpanRecord, tokens: [Int])]] = [:]
    private var duplicatesBefore = 0
    private var speculationsWonBefore = 0
    private var hasEnded = false

    /// Why the ledger is not complete.
    var problem: String? { writer?.problem }

    /// Begins the server's life in the ledger.
    mutating func begin(_ record: LifeRecord, path: String) {
        writer = LedgerWriter(path: path)
        incarnation = record.incarnation
        append(.life(record))
    }

    private func append(_ record: LedgerRecord) { writer?.append(record) }

    /// Waits until all records are on the disk.
    ///
    /// - Returns: Whether they are; if not, there is a problem.
    @discardableResult
    func sync() -> Bool { writer?.sync() ?? true }

    /// A lease was delivered, and counts.
    mutating func note(_ lease: Lease, _ outcomes: [ShardOutcome], worker: String, seconds: Double) {
        let span = lease.span
        // Of other shards than its own the coordinator will not hear.
        guard outcomes.map(\.shard) == Array(span.indices) else { return }
        let record = SpanRecord(lower: span.lower, upper: span.upper, worker: worker, seconds: seconds)
        spans[lease.sum, default: []].append((record, outcomes.map(\.tokens)))
    }

    /// The spans of a sum in progress are computed again.
    mutating func forgetSpans(of sum: Int) { spans[sum] = nil }

    /// A step was applied.
    ///
    /// - Parameters:
    ///   - step: the version of the weights after it.
    ///   - duplicates: partial sums that were dropped, since the server's start.
    ///   - speculationsWon: the same count of spans that a second worker delivered first.
    mutating func noteStep(
        _ step: Int, sum: Int, loss: Double, gradientNorm: Double, duplicates: Int, speculationsWon: Int
    ) {
        let spans = (spans.removeValue(forKey: sum) ?? []).sorted { $0.record.lower < $1.record.lower }
        append(
            .step(
                StepRecord(
                    step: step, incarnation: incarnation, loss: loss, gradientNorm: gradientNorm,
                    tokens: spans.flatMap(\.tokens), spans: spans.map(\.record),
                    duplicatesRefused: duplicates - duplicatesBefore,
                    speculationsWon: speculationsWon - speculationsWonBefore)))
        (duplicatesBefore, speculationsWonBefore) = (duplicates, speculationsWon)
    }

    /// One worker's lease was applied by itself, and made this version.
    mutating func noteUpdate(_ version: Int, _ lease: Lease, loss: Double, gradientNorm: Double, duplicates: Int) {
        guard let (span, tokens) = spans.removeValue(forKey: lease.sum)?.first else { return }
        append(
            .update(
                UpdateRecord(
                    version: version, incarnation: incarnation, step: lease.step + 1, span: span,
                    basis: lease.version, loss: loss, gradientNorm: gradientNorm, tokens: tokens,
                    duplicatesRefused: duplicates - duplicatesBefore)))
        duplicatesBefore = duplicates
    }

    /// A checkpoint was written.
    func noteCheckpoint(_ files: [String: String], version: Int) {
        append(.checkpoint(CheckpointRecord(version: version, incarnation: incarnation, files: files)))
    }

    /// Weights were evaluated.
    func noteEvaluation(_ outcome: StepOutcome, version: Int, step: Int) {
        append(
            .evaluation(
                EvaluationRecord(
                    version: version, step: step, incarnation: incarnation, loss: outcome.meanLoss,
                    tokens: outcome.tokens)))
    }

    /// A key of the configuration has another value from this version on.
    func noteChange(_ change: RecordedChange, version: Int) {
        append(
            .change(
                ChangeRecord(
                    version: version, incarnation: incarnation, key: change.key, old: change.old, new: change.new)))
    }

    /// The server's life ends; the record is to be synced.
    mutating func end(_ how: EndRecord.How, reason: String? = nil, version: Int) {
        guard !hasEnded else { return }
        hasEnded = true
        append(.end(EndRecord(incarnation: incarnation, version: version, how: how, reason: reason)))
    }
}

extension ParameterServer {
    /// Writes into the ledger that this life begins, and from where.
    func beginLedger(restored: RunRecord?) {
        let clock = ISO8601DateFormatter()
        let digests = (restored?.step).flatMap { checkpoints.folder(step: $0) }.map { Ledger.digests(of: $0) }
        ledger.begin(
            LifeRecord(
                incarnation: directory.identity.incarnation, version: coordinator.version, restored: digests ?? [:],
                run: directory.identity.run, library: RunRecord.libraryVersion, started: clock.string(from: Date()),
                consistency: options.configuration.training.consistency.description, shards: tree.shards,
                stepsPerEpoch: task.stepsPerEpoch, totalSteps: task.totalSteps, partitions: partitions.links.count + 1,
                data: Self.contentHashes(of: corpus)),
            path: directory.ledgerPath)
        for change in runChanges where change.step == coordinator.step {
            ledger.noteChange(change, version: coordinator.version)
        }
    }

    /// Writes a step or update that was applied into the ledger.
    func record(_ application: StepApplication) {
        let loss = application.outcome.meanLoss
        let duplicates = peers.counters.duplicatePushes + peers.counters.stalePushes
        if let update = application.update {
            ledger.noteUpdate(
                application.version + 1, update.lease, loss: loss, gradientNorm: application.gradientNorm,
                duplicates: duplicates)
        } else {
            ledger.noteStep(
                application.version + 1, sum: application.sum, loss: loss, gradientNorm: application.gradientNorm,
                duplicates: duplicates, speculationsWon: coordinator.statistics.speculationsWon)
        }
    }

    /// Writes into the ledger how this life ends.
    func endLedger(reason: String) {
        switch end {
        case .completed: ledger.end(.completed, version: coordinator.version)
        case .stopped, nil: ledger.end(.stopped, version: coordinator.version)
        case .failed, .diverged: ledger.end(.failed, reason: reason, version: coordinator.version)
        }
        ledger.sync()
    }
}
