// The steps of a synchronous run as they count in the end: of each the record of the last life that applied it.

import Platform

/// What a step came to.
struct AppliedStep: Equatable, Sendable {
    var loss: Double
    var gradientNorm: Double
    var tokens: Int
    /// Whether all shards were there, with as many tokens as their examples have.
    var isCounted: Bool

    /// What differs from another computation of the same step, with both values.
    func difference(from other: AppliedStep) -> (what: String, ours: String, theirs: String)? {
        if loss.bitPattern != other.loss.bitPattern { return ("loss", "\(loss)", "\(other.loss)") }
        if gradientNorm.bitPattern != other.gradientNorm.bitPattern {
            return ("gradientNorm", "\(gradientNorm)", "\(other.gradientNorm)")
        }
        if tokens != other.tokens { return ("tokens", "\(tokens)", "\(other.tokens)") }
        return nil
    }
}

/// The steps of a synchronous run, one after the other.
struct StepHistory: Sendable {
    /// Those of earlier lives beyond the present one stay until they are redone.
    private var steps: [AppliedStep?] = []
    /// The steps that the present life has, or took over.
    private(set) var reached = 0
    /// Steps computed again that came out with the same bits.
    private(set) var redone = 0

    /// Steps that were jumped over, in all.
    private var missing = 0

    /// More steps that are missing are not believed.
    private static let gapMax = 1 << 20

    /// A step that counts; `nil` if its record is missing.
    func step(_ step: Int) -> AppliedStep? { step <= reached && step >= 1 ? steps[step - 1] : nil }

    /// The steps to come are computed with other keys: what earlier lives had of them is another course.
    mutating func leaveCourse() { steps.removeLast(max(0, steps.count - reached)) }

    mutating func begin(_ life: LifeRecord, line: Int, _ violations: inout ViolationList) {
        if life.version > reached {
            violations.add(
                LedgerViolation(
                    .impossibleBeginning, step: reached + 1, line: line,
                    "life \(life.incarnation) begins at step \(life.version), but the lives before it in the ledger "
                        + "have only reached step \(reached)"))
        }
        let gap = max(0, life.version - steps.count)
        guard gap <= Self.gapMax - missing, life.version <= life.totalSteps else { return }
        missing += gap
        reached = life.version
        while steps.count < reached { steps.append(nil) }
    }

    /// - Returns: Whether the step counts: it comes in its place, with each shard once and as many tokens as it has.
    mutating func take(
        _ record: StepRecord, of life: LifeRecord, line: Int, count: inout ExampleCount,
        _ violations: inout ViolationList
    ) -> Bool {
        func add(_ kind: LedgerViolation.Kind, _ message: String, step: Int? = nil) {
            violations.add(LedgerViolation(kind, step: step ?? record.step, line: line, message))
        }
        let gap = max(0, record.step - 1 - max(reached, steps.count))
        guard record.step >= 1, record.step <= life.totalSteps, gap <= Self.gapMax - missing else {
            add(
                .impossibleStep,
                "the run has \(Counted.text(life.totalSteps, "step")), and the one before was \(reached)")
            return false
        }
        guard record.step > reached else {
            add(.repeatedStep, "was applied already: life \(record.incarnation) is at step \(reached)")
            return false
        }
        missing += gap
        if record.step > reached + 1 {
            let range = reached + 1 == record.step - 1 ? "is" : "to \(record.step - 1) are"
            add(.missingStep, "\(range) missing: step \(record.step) follows step \(reached)", step: reached + 1)
        }
        var applied = AppliedStep(
            loss: record.loss, gradientNorm: record.gradientNorm, tokens: record.tokens.reduce(0, +), isCounted: true)
        if !record.loss.isFinite || !record.gradientNorm.isFinite {
            add(.notFinite, "loss \(record.loss), gradient norm \(record.gradientNorm)")
        }
        if let problem = record.spans.problem(shards: count.shards) {
            applied.isCounted = false
            add(.wrongSpans, problem)
        }
        let expected = count.tokens(ofStep: record.step, shards: 0..<count.shards)
        if let problem = problem(counted: record.tokens, expected: expected, from: 0) {
            applied.isCounted = false
            add(.wrongTokens, problem)
        }
        if steps.count >= record.step, let earlier = steps[record.step - 1] {
            if let (what, ours, theirs) = applied.difference(from: earlier) {
                add(
                    .redoneDiffers,
                    "was computed again by life \(record.incarnation) with \(what) \(ours), and before with \(theirs)")
            } else {
                redone += 1
            }
        }
        while steps.count < record.step { steps.append(nil) }
        // Those that were jumped over may be there from an earlier life; they do not count for this one.
        for skipped in reached..<record.step - 1 { steps[skipped] = nil }
        steps[record.step - 1] = applied
        reached = record.step
        return applied.isCounted
    }
}

/// What is wrong with the tokens of a row of shards, if anything.
func problem(counted: [Int], expected: [Int], from first: Int) -> String? {
    guard counted.count == expected.count else {
        return "tokens of \(Counted.text(counted.count, "shard")) were counted instead of \(expected.count)"
    }
    guard let place = counted.indices.first(where: { counted[$0] != expected[$0] }) else { return nil }
    let tokens = counted[place]
    return
        "\(Counted.text(tokens, "token")) \(tokens == 1 ? "was" : "were") counted for shard \(first + place), "
        + "whose examples have \(expected[place])"
}

extension [SpanRecord] {
    /// Why these are not the shards `0..<shards`, each once and in order.
    func problem(shards: Int) -> String? {
        var next = 0
        for span in self {
            if span.lower >= span.upper { return "an empty span \(span.lower)..<\(span.upper) (\(span.worker))" }
            if span.lower > next { return "nobody computed shards \(next)..<\(span.lower)" }
            if span.lower < next {
                return "shards \(span.lower)..<\(Swift.min(next, span.upper)) were counted twice (\(span.worker))"
            }
            next = span.upper
        }
        if next > shards { return "a step has \(Counted.text(shards, "shard")), not \(next)" }
        return next < shards ? "nobody computed shards \(next)..<\(shards)" : nil
    }
}
