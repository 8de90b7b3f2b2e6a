// The losses of a run, row by row, for programs that draw curves.

import Checkpoints
import Foundation
import Platform

/// `metrics.jsonl` in a run's directory: a row for each evaluation and for every hundredth step, ascending, each once.
///
/// All numbers in it are those that any cluster computes. A life that begins at a checkpoint cuts what is beyond it and
/// writes it anew, so that interruptions leave no trace. A disk that fails does not stop the run: what could not be
/// written is tried again with the next row.
struct MetricsFile {
    /// The file's name.
    static let name = "metrics.jsonl"
    private static let stepsBetweenRows = 100
    /// No run of ours has a longer one; what is larger is left as it is.
    private static let bytesMax = 256 << 20
    private static let pendingBytesMax = 1 << 20

    private let path: String
    private var pending: [UInt8] = []
    private var isSynced = true
    /// Why a row is missing at present.
    private(set) var problem: String?

    init(path: String) { self.path = path }

    private struct Row: Decodable {
        var step: Int
        var validationLoss: Double?
    }

    /// A life begins after `step`, of which version `evaluated` is known: what is beyond is written anew.
    mutating func begin(after step: Int, evaluated: Int?) {
        guard let data = try? InputFile.contents(path, .regular, bytesMax: Self.bytesMax) else { return }
        var rows: [UInt8] = []
        for line in data.split(separator: UInt8(ascii: "\n")) {
            guard let row = try? JSONDecoder().decode(Row.self, from: Data(line)), row.step > 0, row.step <= step,
                row.validationLoss == nil || row.step <= evaluated ?? 0
            else { continue }
            rows += line
            rows.append(UInt8(ascii: "\n"))
        }
        guard rows != data else { return }
        do { try AtomicFile.write(rows, to: path) } catch { problem = "\(error)" }
    }

    /// A step was applied.
    mutating func noteStep(_ step: Int, stepsPerEpoch: Int, trainingLoss: Double) {
        guard step % Self.stepsBetweenRows == 0 else { return }
        append(step, stepsPerEpoch, [("trainingLoss", trainingLoss)])
    }

    /// Weights were evaluated.
    mutating func noteEvaluation(step: Int, stepsPerEpoch: Int, loss: Double, trainingLoss: Double) {
        append(step, stepsPerEpoch, [("trainingLoss", trainingLoss), ("validationLoss", loss)])
    }

    private mutating func append(_ step: Int, _ stepsPerEpoch: Int, _ losses: [(name: String, loss: Double)]) {
        var row = "{\"step\":\(step),\"epoch\":\(Double(step) / Double(max(1, stepsPerEpoch)))"
        for (name, loss) in losses where loss.isFinite { row += ",\"\(name)\":\(loss)" }
        guard pending.count < Self.pendingBytesMax else { return }
        pending += Array((row + "}\n").utf8)
        isSynced = false
        write(syncs: false)
    }

    /// Waits until all rows are on the disk.
    mutating func sync() { if !isSynced { write(syncs: true) } }

    private mutating func write(syncs: Bool) {
        let fileSystem = FileSystem.real
        do {
            let descriptor = try fileSystem.openForAppending(path)
            defer { close(descriptor) }
            let (count, failure) = pending.withUnsafeBytes {
                fileSystem.writeWhatFits($0, to: descriptor, path: path)
            }
            pending.removeFirst(count)
            if let failure { throw failure }
            if syncs {
                try fileSystem.syncFile(descriptor, path: path)
                isSynced = true
            }
            problem = nil
        } catch {
            problem = "\(error)"
        }
    }
}
