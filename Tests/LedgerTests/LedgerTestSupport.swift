// A run's directory with a ledger of our own making, and changes to it.

import Checkpoints
import Configuration
import Corpora
import Foundation

@testable import Ledger

/// A small generator whose seed can be printed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    /// A generator with a new seed, which is printed with the name of the test.
    init(printing test: String = #function) {
        state = UInt64.random(in: .min ... .max)
        print("\(test) seed \(state)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The directory of a run as a server leaves it, on real prepared data; the numbers of the steps are made up.
final class LedgerScene {
    static let shards = 3
    let path: String
    let configuration: RunConfiguration
    var count: ExampleCount
    let data: [String: String]

    init(shape: StreamShape = .stream, consistency: String = LifeRecord.synchronous) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("rondo-ledger-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let text = "\(path)/corpus.txt"
        let lines = (0..<41).map { String(repeating: "ab cd efg ", count: 1 + $0 % 3) + "\($0)" }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: text))
        configuration = RunConfiguration(
            data: DataConfiguration(train: text, shape: shape),
            training: TrainingConfiguration(epochs: 3, batch: 7, sequence: 10, shards: Self.shards))
        let corpus = try CorpusBuilder.prepare(configuration, into: "\(path)/data")
        count = try ExampleCount(
            configuration, tokens: try MappedTokens(path: corpus.training.path), tokenizer: corpus.tokenizer)
        data = [
            "training": corpus.training.sha256, "validation": corpus.validation?.sha256 ?? "",
        ]
        try Data(configuration.json()).write(to: URL(fileURLWithPath: "\(path)/configuration.json"))
        try writeIdentity(isCompleted: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var ledgerPath: String { "\(path)/\(Ledger.fileName)" }

    func writeIdentity(isCompleted: Bool) throws {
        try Data(#"{"run":"0123","incarnation":1,"completed":\#(isCompleted)}"#.utf8)
            .write(to: URL(fileURLWithPath: "\(path)/run.json"))
    }

    // MARK: - Records

    func life(_ incarnation: UInt64, from version: Int = 0, mode: String = LifeRecord.synchronous) -> LedgerRecord {
        .life(
            LifeRecord(
                incarnation: incarnation, version: version, run: "0123", library: "0.1.0",
                started: "2026-01-02T03:04:05Z", consistency: mode, shards: Self.shards,
                stepsPerEpoch: count.stepsPerEpoch, totalSteps: count.totalSteps, data: data))
    }

    func step(_ step: Int, life: UInt64 = 1, loss: Double? = nil) -> LedgerRecord {
        let worker = "worker-\(life)"
        let middle = 1 + step % 2
        return .step(
            StepRecord(
                step: step, incarnation: life, loss: loss ?? 3 / (Double(step) + 0.7), gradientNorm: 0.1 * Double(step),
                tokens: count.tokens(ofStep: step, shards: 0..<Self.shards),
                spans: [
                    SpanRecord(lower: 0, upper: middle, worker: worker, seconds: 0.25),
                    SpanRecord(lower: middle, upper: Self.shards, worker: "bø\"b", seconds: 1e-3),
                ]))
    }

    func update(_ version: Int, step: Int, _ lower: Int, _ upper: Int, life: UInt64 = 1, basis: Int) -> LedgerRecord {
        .update(
            UpdateRecord(
                version: version, incarnation: life, step: step,
                span: SpanRecord(lower: lower, upper: upper, worker: "worker", seconds: 0.5), basis: basis, loss: 2,
                gradientNorm: 1, tokens: count.tokens(ofStep: step, shards: lower..<upper)))
    }

    func checkpoint(_ step: Int, life: UInt64 = 1) -> LedgerRecord {
        .checkpoint(
            CheckpointRecord(
                version: step, incarnation: life,
                files: Dictionary(uniqueKeysWithValues: Ledger.digestedFiles.map { ($0, "\($0) \(step)") })))
    }

    func end(_ how: EndRecord.How, _ version: Int, life: UInt64 = 1) -> LedgerRecord {
        .end(EndRecord(incarnation: life, version: version, how: how))
    }

    /// A whole run of two lives: the first is killed after a few steps beyond its checkpoint, the second redoes them.
    func wholeRun() -> [LedgerRecord] {
        let total = count.totalSteps
        return [life(1)] + (1...5).map { step($0) } + [checkpoint(5)] + (6...8).map { step($0) } + [life(2, from: 5)]
            + (6...total).map { step($0, life: 2) } + [checkpoint(total, life: 2), end(.completed, total, life: 2)]
    }

    // MARK: - Files

    /// The lines of records, each following the one before.
    static func lines(_ records: [LedgerRecord]) throws -> [[UInt8]] {
        var previous = LineDigest.none
        return try records.map {
            let line = try LedgerLine(previous: previous, record: $0).encoded()
            previous = LineDigest(of: line)
            return line
        }
    }

    func write(_ lines: [[UInt8]]) throws {
        try Data(lines.flatMap { $0 + [UInt8(ascii: "\n")] }).write(to: URL(fileURLWithPath: ledgerPath))
    }

    /// Audits these lines, or records.
    func audit(lines: [[UInt8]]) throws -> AuditReport {
        try write(lines)
        return try RunAudit(directory: path).report
    }

    func audit(_ records: [LedgerRecord]) throws -> AuditReport { try audit(lines: try Self.lines(records)) }

    func bytes() throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: ledgerPath))) }
}
