// The ledger's file: what is written is read, whatever happened in between.

import Foundation
import Testing

@testable import Ledger

@Suite("the ledger's file")
struct LedgerFileTests {
    private func read(_ path: String) throws -> [FoundLine] {
        var lines: [FoundLine] = []
        try LedgerReader.read(path) { lines.append($0) }
        return lines
    }

    private func records(_ path: String) throws -> [LedgerRecord?] {
        try read(path).map { try? $0.content.get().record }
    }

    @Test("records come back to the last bit, over several lives of the writer")
    func roundTrip() throws {
        let scene = try LedgerScene()
        var random = SplitMix()
        var written = scene.wholeRun()
        for index in written.indices {
            guard case .step(var step) = written[index] else { continue }
            step.loss = Double(bitPattern: random.next() & 0x7FDF_FFFF_FFFF_FFFF)
            step.gradientNorm = Double.random(in: 0...1, using: &random)
            step.spans[0].worker = String(
                decoding: (0..<9).map { _ in UInt8.random(in: 0...255, using: &random) }, as: UTF8.self)
            step.duplicatesRefused = Int.random(in: 0...9, using: &random)
            written[index] = .step(step)
        }
        written.append(scene.update(9, step: 4, 1, 3, basis: 7))
        written.append(.end(EndRecord(incarnation: 2, version: 9, how: .failed, reason: "line\nend / \u{0}")))
        for part in [written[..<7], written[7..<9], written[9...]] {
            let writer = LedgerWriter(path: scene.ledgerPath)
            for record in part { writer.append(record) }
            #expect(writer.problem == nil)
        }
        #expect(try records(scene.ledgerPath) == written)
        let lines = try read(scene.ledgerPath)
        #expect(try zip(lines, lines.dropFirst()).allSatisfy { try $1.content.get().previous == $0.digest })
    }

    @Test("a life begins on a line of its own after any torn line, and follows the last whole one")
    func tornTails() throws {
        let scene = try LedgerScene()
        let before = [scene.life(1), scene.step(1), scene.step(2)]
        let whole = try LedgerScene.lines(before).flatMap { $0 + [UInt8(ascii: "\n")] }
        let lastLine = try LedgerScene.lines(before)[2].count
        for cut in stride(from: 0, through: lastLine + 1, by: 7) + [1, lastLine, lastLine + 1] {
            try Data(whole.dropLast(cut)).write(to: URL(fileURLWithPath: scene.ledgerPath))
            let kept = cut <= 1 ? 2 : 1
            let writer = LedgerWriter(path: scene.ledgerPath)
            writer.append(scene.life(2, from: kept))
            writer.append(scene.step(kept + 1, life: 2))
            writer.sync()
            #expect(writer.problem == nil)
            #expect(try scene.bytes().starts(with: whole.dropLast(cut)), "nothing is ever cut")
            let report = try RunAudit(directory: scene.path).report
            #expect(report.isProven, "cut \(cut): \(report.violations)")
            #expect(report.provenSteps == kept + 1)
            #expect(report.notes.count == (cut > 1 && cut <= lastLine ? 1 : 0))
        }
    }

    @Test("a block of zeros that a crash of the machine left behind is passed over")
    func zeros() throws {
        let scene = try LedgerScene()
        try scene.write(try LedgerScene.lines([scene.life(1), scene.step(1)]))
        try Data(try scene.bytes() + [UInt8](repeating: 0, count: 4096))
            .write(to: URL(fileURLWithPath: scene.ledgerPath))
        #expect(try RunAudit(directory: scene.path).report.provenSteps == 1)
        let writer = LedgerWriter(path: scene.ledgerPath)
        for record in [scene.life(2), scene.step(1, life: 2), scene.step(2, life: 2)] { writer.append(record) }
        let report = try RunAudit(directory: scene.path).report
        #expect(report.isProven && report.provenSteps == 2 && report.redoneSteps == 1, "\(report.violations)")
    }

    @Test("the last whole line is found however much rubbish follows it")
    func farEnd() throws {
        let scene = try LedgerScene()
        try scene.write(try LedgerScene.lines([scene.life(1), scene.step(1)]))
        let rubbish = [UInt8](repeating: UInt8(ascii: "x"), count: 3 << 20)
        try Data(try scene.bytes() + rubbish).write(to: URL(fileURLWithPath: scene.ledgerPath))
        let writer = LedgerWriter(path: scene.ledgerPath)
        writer.append(scene.life(2, from: 1))
        let report = try RunAudit(directory: scene.path).report
        #expect(report.isProven && report.lives.count == 2, "\(report.violations)")
    }

    @Test("a full disk is a problem that is shown, and no reason to stop")
    func fullDisk() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        let scene = try LedgerScene()
        let writer = LedgerWriter(path: "/dev/full")
        writer.append(scene.life(1))
        writer.sync()
        #expect(writer.problem?.contains("/dev/full") == true)
    }

    @Test("a ledger that cannot be opened is a problem that is shown")
    func noPlace() throws {
        let scene = try LedgerScene()
        let writer = LedgerWriter(path: "\(scene.path)/none/ledger.jsonl")
        writer.append(scene.life(1))
        #expect(writer.problem?.contains("not recorded") == true)
    }

    @Test("any bytes are lines or a reason")
    func fuzz() throws {
        let scene = try LedgerScene()
        var random = SplitMix()
        let lines = try LedgerScene.lines(scene.wholeRun())
        for _ in 0..<3_000 {
            var line = lines.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                guard let place = line.indices.randomElement(using: &random) else { break }
                switch Int.random(in: 0..<4, using: &random) {
                case 0: line[place] = UInt8.random(in: 0...255, using: &random)
                case 1: line.remove(at: place)
                case 2: line.insert(contentsOf: Array("9999999999999999999".utf8), at: place)
                default: line.replaceSubrange(place..<min(place + 3, line.count), with: Array("-1e".utf8))
                }
            }
            if let decoded = try? LedgerLine.decode(line) {
                let again = try decoded.encoded()
                #expect(try LedgerLine.decode(again).record == decoded.record)
            }
        }
        for _ in 0..<200 {
            let count = Int.random(in: 0...400, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(throws: LedgerLineError.self) { try LedgerLine.decode(bytes) }
        }
    }

    @Test("an audit of any bytes ends with a report")
    func fuzzedFiles() throws {
        let scene = try LedgerScene()
        var random = SplitMix()
        let good = try LedgerScene.lines(scene.wholeRun()).flatMap { $0 + [UInt8(ascii: "\n")] }
        for _ in 0..<60 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[place] = UInt8.random(in: 0...255, using: &random)
                } else {
                    bytes.removeSubrange(place..<min(place + 40, bytes.count))
                }
            }
            guard bytes != good else { continue }
            try Data(bytes).write(to: URL(fileURLWithPath: scene.ledgerPath))
            let report = try RunAudit(directory: scene.path).report
            // Of a file that lost its end alone, what is left is in order.
            #expect(!report.isProven || good.starts(with: bytes) || !report.notes.isEmpty)
            _ = try JSONEncoder().encode(report)
        }
    }

    @Test("what is not there is an error with its path")
    func nothingThere() throws {
        let scene = try LedgerScene()
        #expect(throws: LedgerError.missing(path: scene.ledgerPath)) { try RunAudit(directory: scene.path) }
        try scene.write([])
        #expect(try RunAudit(directory: scene.path).report.isProven == false)
        try FileManager.default.removeItem(atPath: "\(scene.path)/data/training.tokens")
        let error = #expect(throws: LedgerError.self) { try RunAudit(directory: scene.path) }
        #expect(error?.description.contains("training.tokens") == true)
    }
}
