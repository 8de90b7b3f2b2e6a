// The updates of a run that does not wait for all shards of a step: each shard of each step counts once all the same.

import Platform

/// The updates that count in the end, version by version.
struct UpdateHistory: Sendable {
    private struct Update {
        var step: Int
        var lower: Int
        var upper: Int
        var tokens: Int
    }

    private var updates: [Update] = []
    /// How often each shard of each step was applied, step by step.
    private var counts: [UInt32] = []
    private(set) var stalenessMax = 0
    private(set) var tokens = 0
    private let shards: Int
    /// Memory for this many steps beyond the last complete one is taken; no run is so far ahead of itself.
    private var stepsAheadMax: Int { min(1 << 16, (1 << 22) / max(1, shards)) }

    init(shards: Int) { self.shards = shards }

    /// The version of the weights that the present life has reached.
    var reached: Int { updates.count }

    /// The steps from the first on of which all shards were applied.
    private(set) var completeSteps = 0

    mutating func begin(_ life: LifeRecord, line: Int, _ violations: inout ViolationList) {
        guard life.version <= reached else {
            return violations.add(
                LedgerViolation(
                    .impossibleBeginning, line: line,
                    "life \(life.incarnation) begins at version \(life.version), but the lives before it in the ledger "
                        + "have only reached version \(reached)"))
        }
        // What came after the checkpoint is undone.
        for update in updates[life.version...] {
            tokens -= update.tokens
            for shard in update.lower..<update.upper { counts[(update.step - 1) * shards + shard] -= 1 }
            completeSteps = min(completeSteps, update.step - 1)
        }
        updates.removeSubrange(life.version...)
        advance()
    }

    /// - Returns: Whether the update comes in its place, with as many tokens as its shards have.
    mutating func take(
        _ record: UpdateRecord, of life: LifeRecord, line: Int, count: inout ExampleCount,
        _ violations: inout ViolationList
    ) -> Bool {
        func add(_ kind: LedgerViolation.Kind, _ message: String) -> Bool {
            violations.add(LedgerViolation(kind, step: record.step, line: line, message))
            return false
        }
        var isCounted = true
        let span = record.span
        guard record.version == reached + 1 else {
            let kind: LedgerViolation.Kind = record.version > reached ? .missingStep : .repeatedStep
            return add(kind, "version \(record.version) of the weights follows version \(reached)")
        }
        guard record.step >= 1, record.step <= life.totalSteps, record.step <= completeSteps + stepsAheadMax
        else {
            return add(
                .impossibleStep,
                "the run has \(Counted.text(life.totalSteps, "step")), \(completeSteps) of them complete")
        }
        guard span.lower < span.upper, span.upper <= shards else {
            return add(.wrongSpans, "a step has shards 0..<\(shards), not \(span.lower)..<\(span.upper)")
        }
        guard record.basis < record.version else {
            return add(.impossibleStep, "version \(record.version) was computed with version \(record.basis)")
        }
        if !record.loss.isFinite || !record.gradientNorm.isFinite {
            isCounted = add(.notFinite, "loss \(record.loss), gradient norm \(record.gradientNorm)")
        }
        let expected = count.tokens(ofStep: record.step, shards: span.lower..<span.upper)
        if let problem = problem(counted: record.tokens, expected: expected, from: span.lower) {
            isCounted = add(.wrongTokens, problem)
        }
        let missing = record.step * shards - counts.count
        if missing > 0 { counts.append(contentsOf: repeatElement(0, count: missing)) }
        for shard in span.lower..<span.upper {
            let place = (record.step - 1) * shards + shard
            if counts[place] > 0 { isCounted = add(.repeatedStep, "shard \(shard) was applied twice") }
            counts[place] += 1
        }
        let update = Update(
            step: record.step, lower: span.lower, upper: span.upper,
            tokens: isCounted ? record.tokens.reduce(0, +) : 0)
        updates.append(update)
        tokens += update.tokens
        stalenessMax = max(stalenessMax, record.staleness)
        advance()
        return isCounted
    }

    private mutating func advance() {
        while counts.count >= (completeSteps + 1) * shards,
            counts[completeSteps * shards..<(completeSteps + 1) * shards].allSatisfy({ $0 > 0 })
        {
            completeSteps += 1
        }
    }

    /// The first shard that was not applied, if a complete run was to have applied it.
    func missing(totalSteps: Int) -> (step: Int, shard: Int)? {
        guard completeSteps < totalSteps else { return nil }
        let start = completeSteps * shards
        let shard = (0..<shards).first { !counts.indices.contains(start + $0) || counts[start + $0] == 0 }
        return (completeSteps + 1, shard ?? 0)
    }
}
