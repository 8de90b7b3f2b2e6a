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
    /// The spans of the step in progress that count, in the order in which they came.
    private var spans: [(record: SpanRecord, tokens: [Int])] = []
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

    /// All records are on the disk when this returns, unless there is a problem.
    func sync() { writer?.sync() }

    /// A span of the step in progress was delivered, and counts.
    mutating func note(_ span: ShardRange, _ outcomes: [ShardOutcome], worker: String, seconds: Double) {
        // Of other shards than its own the coordinator will not hear.
        guard outcomes.map(\.shard) == Array(span.indices) else { return }
        let record = SpanRecord(lower: span.lower, upper: span.upper, worker: worker, seconds: seconds)
        spans.append((record, outcomes.map(\.tokens)))
    }

    /// The spans of the step in progress are computed again.
    mutating func forgetSpans() { spans = [] }

    /// A step was applied.
    ///
    /// - Parameters:
    ///   - step: the version of the weights after it.
    ///   - duplicates: partial sums that were dropped, since the server's start.
    ///   - speculationsWon: the same count of spans that a second worker delivered first.
    mutating func noteStep(
        _ step: Int, loss: Double, gradientNorm: Double, duplicates: Int, speculationsWon: Int = 0
    ) {
        spans.sort { $0.record.lower < $1.record.lower }
        append(
            .step(
                StepRecord(
                    step: step, incarnation: incarnation, loss: loss, gradientNorm: gradientNorm,
                    tokens: spans.flatMap(\.tokens), spans: spans.map(\.record),
                    duplicatesRefused: duplicates - duplicatesBefore,
                    speculationsWon: speculationsWon - speculationsWonBefore)))
        spans = []
        (duplicatesBefore, speculationsWonBefore) = (duplicates, speculationsWon)
    }

    /// One worker's contribution was applied by itself; `step` is the one whose examples it learnt from, from 1, and
    /// `basis` the version of the weights that it was computed with.
    mutating func noteUpdate(
        version: Int, step: Int, span: SpanRecord, basis: Int, outcome: StepOutcome, tokens: [Int],
        gradientNorm: Double, duplicates: Int
    ) {
        append(
            .update(
                UpdateRecord(
                    version: version, incarnation: incarnation, step: step, span: span, basis: basis,
                    loss: outcome.meanLoss, gradientNorm: gradientNorm, tokens: tokens,
                    duplicatesRefused: duplicates - duplicatesBefore)))
        duplicatesBefore = duplicates
    }

    /// A checkpoint was written.
    func noteCheckpoint(_ files: [String: String], version: Int) {
        append(.checkpoint(CheckpointRecord(version: version, incarnation: incarnation, files: files)))
    }

    /// The server's life ends.
    mutating func end(_ how: EndRecord.How, reason: String? = nil, version: Int) {
        guard !hasEnded else { return }
        hasEnded = true
        append(.end(EndRecord(incarnation: incarnation, version: version, how: how, reason: reason)))
        sync()
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
                consistency: options.configuration.training.consistency.rawValue, shards: tree.shards,
                stepsPerEpoch: task.stepsPerEpoch, totalSteps: task.totalSteps, partitions: partitions.links.count + 1,
                data: Self.contentHashes(of: corpus)),
            path: directory.ledgerPath)
    }

    /// Writes a step that was applied into the ledger.
    func recordStep(_ application: StepApplication) {
        ledger.noteStep(
            application.step + 1, loss: application.outcome.meanLoss, gradientNorm: application.gradientNorm,
            duplicates: peers.counters.duplicatePushes + peers.counters.stalePushes)
    }

    /// Writes into the ledger how this life ends.
    func endLedger(reason: String) {
        switch end {
        case .completed: ledger.end(.completed, version: coordinator.version)
        case .stopped, nil: ledger.end(.stopped, version: coordinator.version)
        case .failed: ledger.end(.failed, reason: reason, version: coordinator.version)
        }
    }
}
