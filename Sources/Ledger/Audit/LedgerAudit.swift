// All records of a ledger, checked in one pass against each other and against the run's data.

import Platform

/// Reads a ledger line by line, and says what is wrong with it. Memory grows with the steps of the run by a few dozen
/// bytes each.
struct LedgerAudit {
    private(set) var violations = ViolationList()
    /// What is worth telling, and no fault of the run.
    private(set) var notes: [String] = []
    private(set) var lives: [LifeSummary] = []
    private(set) var history = StepHistory()
    private(set) var updates: UpdateHistory
    /// SHA-256 by file name of each version of which there was a checkpoint.
    private(set) var digests: [Int: [String: String]] = [:]
    /// The keys that have other values since, in the order in which they changed.
    private(set) var changes: [ChangeRecord] = []
    /// Changes at the version with which the present life begins, of earlier lives, until it repeats them.
    private var earlierChanges: [ChangeRecord] = []
    /// The evaluations that count in the end, by version.
    private(set) var evaluations: [Int: EvaluationRecord] = [:]
    private(set) var workers: [String: WorkerShare] = [:]
    private(set) var duplicatesRefused = 0
    private(set) var speculationsWon = 0
    private(set) var count: ExampleCount
    private(set) var first: LifeRecord?
    private(set) var end: EndRecord?
    private var life: LifeRecord?
    private var previous = LineDigest.none
    private var previousLine: (number: Int, step: Int)?
    /// Lines that make no sense, until it is clear what follows them.
    private var unreadable: [(number: Int, reason: String)] = []
    /// Those beyond the first ones.
    private var moreUnreadable = 0
    private static let unreadableMax = 100

    init(_ count: ExampleCount) {
        self.count = count
        updates = UpdateHistory(shards: count.shards)
    }

    /// Whether the run promises the same bits on any cluster.
    var isSynchronous: Bool { first.map { $0.consistency == LifeRecord.synchronous } ?? true }

    /// The version of the weights that the ledger ends at.
    var reached: Int { isSynchronous ? history.reached : updates.reached }

    /// The steps from the first on that count completely.
    var completeSteps: Int { isSynchronous ? history.reached : updates.completeSteps }

    // MARK: - Lines

    mutating func take(_ found: FoundLine) {
        switch found.content {
        case .failure(let error):
            if unreadable.count < Self.unreadableMax {
                unreadable.append((found.number, error.reason))
            } else {
                moreUnreadable += 1
                unreadable[Self.unreadableMax - 1] = (found.number, error.reason)
            }
        case .success(let line):
            judgeUnreadable(before: line.record)
            if line.previous != previous {
                let after = previousLine.map { "line \($0.number)" } ?? "the beginning"
                add(
                    .brokenChain, step: previousLine?.step ?? line.record.step, line: found.number,
                    "does not follow from \(after) as it stands there: it was changed, or lines between were removed, "
                        + "added or moved")
            }
            previous = found.digest
            take(line.record, line: found.number)
            previousLine = (found.number, line.record.step)
        }
    }

    /// A crash leaves a part of a line before the next life; anywhere else it is damage.
    private mutating func judgeUnreadable(before record: LedgerRecord) {
        for (number, reason) in unreadable {
            if case .life = record {
                notes.append("line \(number) is the part of a line that a crash left behind")
            } else {
                add(.unreadableLine, step: record.step, line: number, "no record of a ledger: \(reason)")
            }
        }
        if moreUnreadable > 0 {
            add(.unreadableLine, step: record.step, "\(moreUnreadable) more lines before are no records of a ledger")
        }
        (unreadable, moreUnreadable) = ([], 0)
    }

    private mutating func add(_ kind: LedgerViolation.Kind, step: Int? = nil, line: Int? = nil, _ message: String) {
        violations.add(LedgerViolation(kind, step: step, line: line, message))
    }

    // MARK: - Records

    private mutating func take(_ record: LedgerRecord, line: Int) {
        if case .life(let record) = record { return begin(record, line: line) }
        guard let life else {
            return add(.wrongLife, step: record.step, line: line, "before the first record of a life")
        }
        if record.incarnation != life.incarnation {
            add(
                .wrongLife, step: record.step, line: line,
                "was written by life \(record.incarnation), in the midst of life \(life.incarnation)")
        }
        if end != nil { add(.recordAfterEnd, step: record.step, line: line, "follows the end of its life") }
        if case .change(let change) = record { return note(change, of: life, line: line) }
        // What an earlier life had changed here, this one has not: it goes on from before the change.
        if !earlierChanges.isEmpty { leaveCourse() }
        switch record {
        case .life, .change: return
        case .evaluation(let evaluation): note(evaluation, line: line)
        case .step(let step):
            guard isSynchronous else {
                return add(.wrongLife, step: step.step, line: line, "a whole step in mode \(life.consistency)")
            }
            if history.take(step, of: life, line: line, count: &count, &violations) {
                for span in step.spans { note(span) }
            }
            duplicatesRefused = Self.sum(duplicatesRefused, step.duplicatesRefused)
            speculationsWon = Self.sum(speculationsWon, step.speculationsWon)
        case .update(let update):
            guard !isSynchronous else {
                return add(.wrongLife, step: update.step, line: line, "a part of a step in mode \(life.consistency)")
            }
            if updates.take(update, of: life, line: line, count: &count, &violations) { note(update.span) }
            duplicatesRefused = Self.sum(duplicatesRefused, update.duplicatesRefused)
        case .checkpoint(let checkpoint):
            if checkpoint.version != reached {
                add(
                    .wrongCheckpoint, step: min(checkpoint.version, reached + 1), line: line,
                    "a checkpoint of step \(checkpoint.version) at step \(reached)")
            }
            note(checkpoint.files, version: checkpoint.version, line: line)
        case .end(let record):
            if record.version != reached {
                add(
                    .endMissing, step: min(record.version, reached) + 1, line: line,
                    "life \(record.incarnation) ended at step \(record.version), but its last record is of step "
                        + "\(reached)")
            }
            end = record
        }
        lives[lives.count - 1].reached = reached
        lives[lives.count - 1].end = end?.how
    }

    /// A sum that stays the largest number rather than to pass it.
    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? .max : sum
    }

    private mutating func note(_ span: SpanRecord) {
        let name = ForeignText.limited(span.worker)
        workers[name, default: WorkerShare(worker: name)].shards += span.upper - span.lower
        workers[name]?.seconds += span.seconds
    }

    // MARK: - Changed keys

    /// A life begins with another value of a key.
    private mutating func note(_ change: ChangeRecord, of life: LifeRecord, line: Int) {
        guard change.version == life.version, reached == life.version else {
            return add(
                .wrongLife, step: change.version, line: line,
                "a key changes at step \(reached), in the midst of a life")
        }
        let isKnown = earlierChanges.contains {
            ($0.key, $0.old, $0.new) == (change.key, change.old, change.new)
        }
        earlierChanges.removeAll { $0.key == change.key }
        if !isKnown { leaveCourse() }
        changes.append(change)
    }

    /// What earlier lives computed beyond this version was another course.
    private mutating func leaveCourse() {
        earlierChanges = []
        history.leaveCourse()
        digests = digests.filter { $0.key <= reached }
    }

    /// Weights were evaluated; those that are evaluated again have the same loss.
    private mutating func note(_ evaluation: EvaluationRecord, line: Int) {
        if evaluation.version != reached || !evaluation.loss.isFinite {
            add(
                .wrongLife, step: evaluation.step, line: line,
                "an evaluation of version \(evaluation.version) at version \(reached), loss \(evaluation.loss)")
        }
        if isSynchronous, let before = evaluations[evaluation.version], before.loss != evaluation.loss {
            add(
                .redoneDiffers, step: max(1, evaluation.step), line: line,
                "was evaluated again with validation loss \(evaluation.loss), and before with \(before.loss)")
        }
        evaluations[evaluation.version] = evaluation
    }

    private mutating func begin(_ record: LifeRecord, line: Int) {
        let step = record.version + 1
        if let last = lives.last, record.incarnation <= last.incarnation {
            add(
                .wrongLife, step: step, line: line,
                "life \(record.incarnation) follows life \(last.incarnation)")
        }
        let model = first ?? record
        let facts: [(String, String, String)] = [
            ("the run", record.run, model.run),
            ("the mode", record.consistency, model.consistency),
            ("the number of shards", "\(record.shards)", "\(count.shards)"),
            ("the number of steps in an epoch", "\(record.stepsPerEpoch)", "\(count.stepsPerEpoch)"),
            ("the data", record.data.digest, model.data.digest),
        ]
        for (name, found, expected) in facts where found != expected {
            add(.changedRun, step: step, line: line, "\(name): expected \(expected), found \(found)")
        }
        if first == nil { first = record }
        (life, end) = (record, nil)
        if isSynchronous {
            history.begin(record, line: line, &violations)
        } else {
            updates.begin(record, line: line, &violations)
        }
        earlierChanges = changes.filter { $0.version == record.version }
        changes.removeAll { $0.version >= record.version }
        evaluations = evaluations.filter { $0.key <= record.version }
        note(record.restored, version: record.version, line: line)
        lives.append(LifeSummary(record))
    }

    /// What a checkpoint of a version is made of.
    private mutating func note(_ files: [String: String], version: Int, line: Int) {
        for (name, digest) in files.sorted(by: { $0.key < $1.key }) {
            if isSynchronous, let before = digests[version]?[name], before != digest {
                add(
                    .redoneDiffers, step: max(1, version), line: line,
                    "\(name) has SHA-256 \(digest), and an earlier line says \(before)")
            }
            digests[version, default: [:]][name] = digest
        }
    }

    // MARK: - The end

    /// All lines are read: what can be said of the whole.
    mutating func finish() {
        if let last = unreadable.last {
            notes.append("line \(last.number) at the end is the part of a line, and does not count: \(last.reason)")
        }
        guard let life else { return add(.wrongLife, "the ledger holds no life of a server") }
        // A run can get more or fewer steps from one life to the next; the last one has those of its configuration.
        if life.totalSteps != count.totalSteps {
            add(
                .changedRun, step: life.version + 1,
                "the number of steps: expected \(count.totalSteps), found \(life.totalSteps)")
        }
        if isSynchronous { countEpochs() }
        guard end?.how == .completed, completeSteps < count.totalSteps else { return }
        let place = isSynchronous ? nil : updates.missing(totalSteps: count.totalSteps)
        add(
            .endMissing, step: completeSteps + 1,
            "the run ended as complete after \(completeSteps) of \(Counted.text(count.totalSteps, "step"))"
                + (place.map { "; shard \($0.shard) of step \($0.step) was never applied" } ?? ""))
    }

    /// Whole epochs: every example once, and as many tokens as all examples have.
    private mutating func countEpochs() {
        let length = count.stepsPerEpoch
        for epoch in 0..<history.reached / length {
            let steps = (epoch * length + 1...(epoch + 1) * length).map { history.step($0) }
            // Where a step is wrong, that was said already.
            guard steps.allSatisfy({ $0?.isCounted == true }) else { continue }
            let tokens = steps.reduce(0) { $0 + ($1?.tokens ?? 0) }
            if tokens != count.tokensPerEpoch {
                add(
                    .wrongCoverage, step: epoch * length + 1,
                    "\(Counted.text(tokens, "token")) \(tokens == 1 ? "was" : "were") counted in epoch \(epoch + 1) "
                        + "instead of \(count.tokensPerEpoch)"
                )
            }
            if !count.isEpochCovered(epoch) {
                add(
                    .wrongCoverage, step: epoch * length + 1,
                    "the steps of epoch \(epoch + 1) do not hold every example exactly once")
            }
        }
    }

    /// The tokens that count.
    var tokens: Int {
        guard isSynchronous else { return updates.tokens }
        return history.reached == 0
            ? 0
            : (1...history.reached).reduce(0) { sum, step in
                history.step(step).map { $0.isCounted ? sum + $0.tokens : sum } ?? sum
            }
    }
}

extension [String: String] {
    /// "training 0123…, validation 4567…"
    fileprivate var digest: String {
        isEmpty ? "none" : sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }
}
