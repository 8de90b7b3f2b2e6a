// A run's status for people.

import Client
import Supervisor

/// A run's status as lines of text.
enum StatusText {
    static func lines(_ status: RunStatus) -> [String] {
        let percent = status.totalSteps > 0 ? status.step * 100 / status.totalSteps : 0
        var progress =
            "\(status.phase), step \(Readable.grouped(status.step)) of "
            + "\(Readable.grouped(status.totalSteps)) (\(percent)%), epoch \(status.epoch) of \(status.totalEpochs)"
        if let left = status.secondsLeft, status.phase == "training" { progress += ", \(Readable.duration(left)) left" }
        var losses = "\(Readable.loss(status.smoothedLoss)) training"
        losses += ", \(Readable.loss(status.validationLoss)) validation"
        if let best = status.bestValidationLoss {
            losses += " (best \(Readable.loss(best)) at step \(Readable.grouped(status.bestStep)))"
        }
        var lines = [
            "run          \(progress)",
            "model        \(status.summary), \(Readable.grouped(status.parameters)) parameters",
            "loss         \(losses)  nats a token",
            "speed        \(Readable.count(status.tokensPerSecond)) tokens/s",
            "server       up \(Readable.duration(status.uptimeSeconds)), \(Readable.memory(status.residentBytes))",
            "checkpoint   \(status.latestCheckpoint.isEmpty ? "none yet" : status.latestCheckpoint)",
        ]
        if !status.problem.isEmpty { lines.append("problem      \(status.problem)") }
        if !status.waiting.isEmpty { lines.append("waiting for  \(status.waiting)") }
        let refused = status.counters.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !refused.isEmpty { lines.append("counters     \(refused.joined(separator: ", "))") }
        if !status.partitions.isEmpty { lines += [""] + table(status.partitions) }
        return lines + [""] + table(status.workers)
    }

    private static func table(_ partitions: [PartitionStatus]) -> [String] {
        let head = ["partition", "chunks", "parameters", "memory", "silent"]
        let rows = partitions.map { partition in
            [
                partition.endpoint, "\(partition.chunks[0])..<\(partition.chunks[1])",
                Readable.grouped(partition.parameters), Readable.memory(partition.residentBytes),
                Readable.fixed(partition.silentSeconds, 1) + " s",
            ]
        }
        return aligned([head] + rows)
    }

    private static func table(_ workers: [WorkerStatus]) -> [String] {
        guard !workers.isEmpty else { return ["no workers; start some with: rondo-worker --connect ENDPOINT"] }
        let head = ["worker", "host", "process", "state", "shards", "steps", "tokens/s", "memory", "silent", "kernels"]
        let rows = workers.map { worker in
            [
                worker.name, worker.host, "\(worker.process)", worker.state,
                worker.span.map { "\($0[0])..<\($0[1])" } ?? "–", "\(worker.steps)",
                Readable.count(worker.tokensPerSecond), Readable.memory(worker.residentBytes),
                Readable.fixed(worker.silentSeconds, 1) + " s", worker.instructionSet,
            ]
        }
        return aligned([head] + rows)
    }

    /// Rows of as many cells each, in columns.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
