// What an audit proves, and what it finds.

import Configuration
import Foundation
import Testing

@testable import Ledger

@Suite("the audit")
struct LedgerAuditTests {
    @Test("a run of two lives is proven to its last step", arguments: [StreamShape.stream, .sequences])
    func whole(shape: StreamShape) throws {
        let scene = try LedgerScene(shape: shape)
        try scene.writeIdentity(isCompleted: true)
        let report = try scene.audit(scene.wholeRun())
        #expect(report.isProven, "\(report.violations)")
        #expect(report.provenSteps == scene.count.totalSteps && report.provenEpochs == 3)
        #expect(report.tokens == 3 * scene.count.tokensPerEpoch)
        #expect(report.redoneSteps == 3 && report.lives.count == 2)
        #expect(report.lives.map(\.reached) == [8, scene.count.totalSteps])
        #expect(report.lives.map(\.end) == [nil, .completed])
        let shards = report.workers.reduce(0) { $0 + $1.shards }
        #expect(shards == (scene.count.totalSteps + 3) * LedgerScene.shards)
    }

    @Test("an unfinished run is proven up to where it is")
    func unfinished() throws {
        let scene = try LedgerScene()
        let report = try scene.audit([scene.life(1)] + (1...9).map { scene.step($0) })
        #expect(report.isProven && report.provenSteps == 9 && !report.isComplete)
        #expect(report.provenEpochs == 9 / scene.count.stepsPerEpoch)
    }

    @Test("a ledger that ends before its complete run does is not enough")
    func cutShort() throws {
        let scene = try LedgerScene()
        try scene.writeIdentity(isCompleted: true)
        let report = try scene.audit(scene.wholeRun().dropLast(3))
        #expect(report.violations.map(\.kind) == [.endMissing])
        #expect(report.violations.first?.step == scene.count.totalSteps)
    }

    @Test("other data than the run's are noticed")
    func otherData() throws {
        let scene = try LedgerScene()
        try scene.write(try LedgerScene.lines(scene.wholeRun()))
        let file = URL(fileURLWithPath: "\(scene.path)/data/training.tokens")
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 2] ^= 1
        try bytes.write(to: file)
        let report = try RunAudit(directory: scene.path).report
        #expect(report.violations.contains { $0.kind == .changedRun })
    }

    /// One change to the records of a whole run: what it is called, and the steps of which the audit must name one.
    private enum Mutation: CaseIterable {
        case drop, duplicate, swap, loss, norm, tokens, moveTokens, overlap, gap, life, number, checkpoint
    }

    /// - Returns: The step that the audit must name.
    private func apply(
        _ mutation: Mutation, to records: inout [LedgerRecord], _ random: inout SplitMix, _ scene: LedgerScene
    ) -> Int {
        /// The places of steps of the second life that the first one did as well, or of all steps that count.
        func place(redone: Bool = false) -> Int {
            let start = (records.firstIndex(of: scene.life(2, from: 5)) ?? 0) + 1
            return Int.random(in: redone ? start..<start + 3 : start + 3..<records.count - 4, using: &random)
        }
        func change(_ place: Int, _ body: (inout StepRecord) -> Void) -> Int {
            guard case .step(var step) = records[place] else { return -1 }
            let number = step.step
            body(&step)
            records[place] = .step(step)
            return number
        }
        switch mutation {
        case .drop:
            let place = place()
            return records.remove(at: place).step
        case .duplicate:
            let place = place()
            records.insert(records[place], at: place)
            return records[place].step
        case .swap:
            let place = place()
            records.swapAt(place, place + 1)
            return records[place + 1].step
        case .loss: return change(place(redone: true)) { $0.loss = $0.loss.nextUp }
        case .norm: return change(place(redone: true)) { $0.gradientNorm = $0.gradientNorm.nextDown }
        case .tokens: return change(place()) { $0.tokens[Int(random.next() % 3)] += 1 }
        case .moveTokens:
            return change(place()) {
                $0.tokens[0] += 1
                $0.tokens[1] -= 1
            }
        case .overlap: return change(place()) { $0.spans[1].lower = 0 }
        case .gap: return change(place()) { $0.spans[1].upper = 2 }
        case .life: return change(place()) { $0.incarnation = 1 }
        case .number:
            let far = scene.count.totalSteps + 7
            return change(place()) { $0.step = far }
        case .checkpoint:
            let place = records.count - 2
            guard case .checkpoint(var checkpoint) = records[place] else { return -1 }
            checkpoint.version -= 1
            records[place] = .checkpoint(checkpoint)
            return checkpoint.version
        }
    }

    @Test("every kind of damage is found at its step, even if all lines were made to follow each other again")
    func mutations() throws {
        let scene = try LedgerScene()
        var random = SplitMix()
        for mutation in Mutation.allCases {
            for _ in 0..<12 {
                var records = scene.wholeRun()
                let step = apply(mutation, to: &records, &random, scene)
                let report = try scene.audit(records)
                #expect(
                    report.violations.contains { $0.step == step && $0.kind != .brokenChain },
                    "\(mutation) at step \(step): \(report.violations)")
                #expect(report.provenSteps < step || mutation == .checkpoint)
            }
        }
    }

    @Test("a line that was changed, removed, doubled or moved is found, whatever it says")
    func chain() throws {
        let scene = try LedgerScene()
        var random = SplitMix()
        let lines = try LedgerScene.lines(scene.wholeRun())
        for attempt in 0..<60 {
            var changed = lines
            let place = Int.random(in: 1..<lines.count - 2, using: &random)
            switch attempt % 4 {
            case 0:
                // Such as the name of a worker, which nothing else depends on.
                let text = String(decoding: lines[place], as: UTF8.self)
                let other = text.replacingOccurrences(of: "worker-", with: "wörker-")
                    .replacingOccurrences(of: "0.1.0", with: "0.2.0").replacingOccurrences(of: ".safe", with: ".SAFE")
                #expect(other != text)
                changed[place] = Array(other.utf8)
            case 1: changed.remove(at: place)
            case 2: changed.insert(lines[place], at: place)
            default: changed.swapAt(place, place + 1)
            }
            let report = try scene.audit(lines: changed)
            #expect(!report.isProven, "\(attempt % 4) at line \(place + 1)")
            let named = report.violations.compactMap(\.line)
            #expect(named.contains { abs($0 - place - 1) <= 2 }, "\(attempt % 4) at line \(place + 1): \(named)")
        }
    }

    @Test("a life cannot begin where none has been, nor go back in number")
    func lives() throws {
        let scene = try LedgerScene()
        let steps = (1...5).map { scene.step($0) }
        let ahead = try scene.audit([scene.life(1)] + steps + [scene.life(2, from: 7), scene.step(8, life: 2)])
        #expect(ahead.violations.map(\.kind) == [.impossibleBeginning] && ahead.provenSteps == 5)
        let back = try scene.audit([scene.life(2)] + steps.map { $0.of(life: 2) } + [scene.life(1, from: 5)])
        #expect(back.violations.map(\.kind) == [.wrongLife])
        let headless = try scene.audit(steps)
        #expect(headless.violations.first?.kind == .wrongLife && headless.provenSteps == 0)
        let posthumous = try scene.audit([scene.life(1)] + steps + [scene.end(.stopped, 5), scene.step(6)])
        #expect(posthumous.violations.map(\.kind) == [.recordAfterEnd] && posthumous.provenSteps == 5)
    }

    @Test("two runs agree, or part at the first step that differs in a bit")
    func comparison() throws {
        let (one, two) = (try LedgerScene(), try LedgerScene())
        try one.write(try LedgerScene.lines(one.wholeRun()))
        let records = [two.life(1)] + (1...two.count.totalSteps).map { two.step($0) }
        try two.write(try LedgerScene.lines(records))
        let first = try RunAudit(directory: one.path)
        let same = RunComparison(first, try RunAudit(directory: two.path))
        #expect(same.agree && same.steps == two.count.totalSteps && same.parting == nil)
        #expect(same.differences.map(\.key) == ["data.train"])
        var other = records
        other[7] = two.step(7, loss: (3 / 7.7).nextUp)
        other[9] = two.step(9, loss: 1)
        try two.write(try LedgerScene.lines(other))
        let parted = RunComparison(first, try RunAudit(directory: two.path))
        #expect(!parted.agree && parted.parting?.step == 7 && parted.parting?.what == "loss")
        var digests = [two.life(1)] + (1...5).map { two.step($0) }
        digests.append(
            .checkpoint(CheckpointRecord(version: 5, incarnation: 1, files: ["model.safetensors": "other"])))
        try two.write(try LedgerScene.lines(digests))
        let weights = RunComparison(first, try RunAudit(directory: two.path))
        #expect(weights.parting?.step == 5 && weights.parting?.what == "model.safetensors")
    }
}

@Suite("the audit of a run that does not wait for all")
struct UpdateAuditTests {
    private func records(_ scene: LedgerScene) -> [LedgerRecord] {
        [
            scene.life(1, mode: "asynchronous"), scene.update(1, step: 1, 0, 2, basis: 0),
            scene.update(2, step: 2, 0, 1, basis: 0), scene.update(3, step: 1, 2, 3, basis: 0),
            scene.update(4, step: 2, 1, 3, basis: 3), scene.update(5, step: 3, 0, 1, basis: 3),
            scene.life(2, from: 3, mode: "asynchronous"), scene.update(4, step: 2, 1, 3, life: 2, basis: 3),
            scene.update(5, step: 3, 0, 3, life: 2, basis: 4),
        ]
    }

    @Test("each shard of each step counts once, in whatever order; no bits are claimed")
    func counted() throws {
        let scene = try LedgerScene()
        let report = try scene.audit(records(scene))
        #expect(report.isProven, "\(report.violations)")
        #expect(report.provenSteps == 3 && report.version == 5 && report.stalenessMax == 2)
        #expect(report.tokens == (1...3).reduce(0) { $0 + scene.count.tokens(ofStep: $1, shards: 0..<3).reduce(0, +) })
        let comparison = RunComparison(try RunAudit(directory: scene.path), try RunAudit(directory: scene.path))
        #expect(!comparison.agree && comparison.incomparable != nil)
    }

    @Test("a shard that is applied twice, or never, is found at its step")
    func wrong() throws {
        let scene = try LedgerScene()
        var twice = records(scene)
        twice[8] = scene.update(5, step: 2, 2, 3, life: 2, basis: 4)
        #expect(try scene.audit(twice).violations.map { [$0.step] } == [[2]])
        var never = records(scene)
        never.append(scene.end(.completed, 5, life: 2))
        try scene.writeIdentity(isCompleted: true)
        let report = try scene.audit(never)
        #expect(report.violations.map(\.kind) == [.endMissing] && report.violations.first?.step == 4)
        never.remove(at: 2)
        #expect(try scene.audit(never).violations.contains { $0.kind == .missingStep && $0.step == 1 })
    }
}

extension LedgerRecord {
    /// The same step, applied by another life.
    fileprivate func of(life: UInt64) -> LedgerRecord {
        guard case .step(var record) = self else { return self }
        record.incarnation = life
        return .step(record)
    }
}
