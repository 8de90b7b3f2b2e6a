// A forecast for people.

import Preflight
import Supervisor
import Tasks

/// The lines of `rondo check`.
enum ForecastText {
    static func lines(_ forecast: RunForecast, _ request: RunRequest) -> [String] {
        let run = request.configuration
        var lines = [
            "model        \(run.model.cell.rawValue) \(run.model.layers)×\(run.model.hidden), "
                + "embedding \(run.model.embedding), \(Readable.counted(forecast.parameters, "parameter")) in "
                + Readable.counted(forecast.chunks, "chunk"),
            "memory       about \(RunSize.text(forecast.serverBytes)) in the server, "
                + "\(RunSize.text(forecast.workerBytes)) in "
                + (request.workers == 1 ? "the worker" : "each of \(request.workers) workers"),
        ]
        if let text = forecast.text { lines += self.lines(text, path: run.data.train) }
        if let steps = forecast.steps {
            let unit = run.data.shape == .stream ? "token" : "line"
            lines.append(
                "steps        \(Readable.grouped(steps.total)), \(Readable.grouped(steps.ofEpoch)) an epoch of "
                    + "\(Readable.counted(steps.examples, unit))"
                    + (steps.validationTokens > 0
                        ? "; \(Readable.counted(steps.validationTokens, "token")) to validate on" : ""))
        }
        lines.append(
            "checkpoints  \(RunSize.text(forecast.checkpointBytes)) each, up to \(forecast.checkpointsKept) kept")
        if let time = forecast.time {
            lines.append(
                "time         about \(Readable.duration(time.seconds)), \(Readable.count(time.tokensPerSecond)) "
                    + "tokens/s: an estimate from a few steps on this machine")
        }
        return lines
    }

    private static func lines(_ text: RunForecast.Text, path: String) -> [String] {
        let parts = [
            Readable.counted(text.tokens, "token"), Readable.counted(text.lines, "line"),
            Readable.counted(text.vocabulary, "symbol"),
        ]
        var lines = ["text         " + (text.isComplete ? "" : "about ") + parts.joined(separator: ", ")]
        if !text.isComplete {
            lines.append(
                "             from the first \(Readable.memory(text.bytesRead)) of \(Readable.memory(text.bytes)); "
                    + "there may be more symbols")
        }
        if text.isPrepared { lines.append("             as the run in the directory has prepared them") }
        if let share = text.unknownShare {
            let words = text.distinctWords.map { Readable.counted($0, "different word") + "; " } ?? ""
            lines.append("             \(words)\(percent(share)) of the tokens are <unk>")
        }
        if let cut = text.linesCut, let share = text.cutShare, cut > 0 {
            lines.append(
                "             \(Readable.counted(cut, "line")) "
                    + (cut == 1
                        ? "is longer than training.sequence and is cut: "
                        : "are longer than training.sequence and are cut: ")
                    + "\(percent(share)) of the tokens are never learnt")
        }
        return lines
    }

    private static func percent(_ share: Double) -> String {
        share > 0 && share < 0.001 ? "under 0.1 %" : Readable.fixed(100 * share, 1) + " %"
    }
}
