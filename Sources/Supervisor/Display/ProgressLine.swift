// The progress of a run in one line.

import Client

/// The progress of a run as text. Pure functions, so that tests can read them.
public enum ProgressLine {
    private static let barColumns = 20

    /// `1234/5678 ━━━━━───── 21%  epoch 2/6  loss 1.6230  validation 1.7020  85.3k tokens/s  3:12 left  2 workers`
    ///
    /// What does not fit into `columns` is left out from the end.
    public static func bar(_ status: RunStatus, columns: Int) -> String {
        let fraction = status.totalSteps > 0 ? min(1, Double(status.step) / Double(status.totalSteps)) : 0
        let filled = min(barColumns, Int(fraction * Double(barColumns)))
        let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: barColumns - filled)
        let head = "\(status.step)/\(status.totalSteps) \(bar) \(Int(fraction * 100))%"
        return fitting([head] + facts(status), separator: "  ", columns: columns)
    }

    /// `step 1234 of 5678 (21%), epoch 2/6, loss 1.6230, validation 1.7020, 85.3k tokens/s, 3:12 left, 2 workers`
    public static func plain(_ status: RunStatus) -> String {
        let percent = status.totalSteps > 0 ? status.step * 100 / status.totalSteps : 0
        return (["step \(status.step) of \(status.totalSteps) (\(percent)%)"] + facts(status)).joined(separator: ", ")
    }

    private static func facts(_ status: RunStatus) -> [String] {
        var facts = ["epoch \(status.epoch)/\(status.totalEpochs)"]
        if let loss = status.smoothedLoss { facts.append("loss \(Readable.loss(loss))") }
        if let loss = status.validationLoss { facts.append("validation \(Readable.loss(loss))") }
        switch status.phase {
        case "training":
            if status.tokensPerSecond > 0 { facts.append("\(Readable.count(status.tokensPerSecond)) tokens/s") }
            if let left = status.secondsLeft { facts.append("\(Readable.clock(left)) left") }
        default: facts.append(status.phase)
        }
        facts.append("\(status.workers.count) worker\(status.workers.count == 1 ? "" : "s")")
        if !status.problem.isEmpty { facts.append("PROBLEM: \(status.problem)") }
        return facts
    }

    private static func fitting(_ parts: [String], separator: String, columns: Int) -> String {
        var line = ""
        for part in parts {
            let longer = line.isEmpty ? part : line + separator + part
            if longer.count > columns { break }
            line = longer
        }
        return line.isEmpty ? String(parts[0].prefix(max(0, columns))) : line
    }
}
