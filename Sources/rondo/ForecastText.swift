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
                + "embedding \(run.model.embedding), \(Readable.grouped(forecast.parameters)) parameters in "
                + "\(Readable.grouped(forecast.chunks)) chunk\(forecast.chunks == 1 ? "" : "s")",
            "memory       about \(RunSize.text(forecast.serverBytes)) in the server, "
                + "\(RunSize.text(forecast.workerBytes)) in "
                + (request.workers == 1 ? "the worker" : "each of \(request.workers) workers"),
        ]
        if let text = forecast.text { lines += self.lines(text, path: run.data.train) }
        if let steps = forecast.steps {
            let unit = run.data.shape == .stream ? "tokens" : "lines"
            lines.append(
                "steps        \(Readable.grouped(steps.total)), \(Readable.grouped(steps.ofEpoch)) an epoch of "
                    + "\(Readable.grouped(steps.examples)) \(unit)"
                    + (steps.validationTokens > 0
                        ? "; \(Readable.grouped(steps.validationTokens)) tokens to validate on" : ""))
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
        var parts = ["\(Readable.grouped(text.tokens)) tokens", "\(Readable.grouped(text.lines)) lines"]
        parts.append("\(Readable.grouped(text.vocabulary)) symbols")
        var lines = ["text         " + (text.isComplete ? "" : "about ") + parts.joined(separator: ", ")]
        if !text.isComplete {
            lines.append(
                "             from the first \(Readable.memory(text.bytesRead)) of \(Readable.memory(text.bytes)); "
                    + "there may be more symbols")
        }
        if let share = text.unknownShare, let words = text.distinctWords {
            lines.append(
                "             \(Readable.grouped(words)) different words; \(percent(share)) of the tokens are <unk>")
        }
        if let cut = text.linesCut, let share = text.cutShare, cut > 0 {
            lines.append(
                "             \(Readable.grouped(cut)) lines are longer than training.sequence and are cut: "
                    + "\(percent(share)) of the tokens are never learnt")
        }
        return lines
    }

    private static func percent(_ share: Double) -> String {
        share > 0 && share < 0.001 ? "under 0.1 %" : Readable.fixed(100 * share, 1) + " %"
    }
}
