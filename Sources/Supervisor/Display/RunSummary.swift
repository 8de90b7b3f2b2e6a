// What a run has come to, read from its newest checkpoint.

import Checkpoints
import Configuration
import Foundation
import Server
import Tasks

/// What a run has come to.
public struct RunSummary: Sendable, Equatable {
    /// The run's directory, as the user named it.
    public var output: String
    /// The folder of the checkpoint.
    public var checkpoint: String
    /// What is known of the run there.
    public var record: RunRecord
    /// The configuration in it.
    var configuration: RunConfiguration?
    /// SHA-256 of `model.safetensors`.
    public var modelSHA256: String
    /// How long this session took; `nil` when nothing was done.
    public var seconds: Double?
    /// How many tokens this session read a second.
    public var tokensPerSecond: Double?

    /// Opens the newest whole checkpoint of a run.
    ///
    /// - Throws: `ProgramFailure` if there is none.
    public init(output: String, seconds: Double? = nil, tokensPerSecond: Double? = nil) throws(ProgramFailure) {
        self.output = output
        self.seconds = seconds
        self.tokensPerSecond = tokensPerSecond
        do {
            let folder = try CheckpointFolder.open(path: output).folder
            checkpoint = folder.path
            modelSHA256 = folder.manifest.files[CheckpointFile.model]?.sha256 ?? ""
            let path = try folder.path(of: CheckpointFile.run)
            let decoded = try RunRecord.decode(try folder.read(CheckpointFile.run), path: path)
            (record, configuration) = (decoded.0, decoded.1)
        } catch {
            throw ProgramFailure(.badData, "\(error)")
        }
    }

    /// What is hopeless about the weights; `nil` if nothing is.
    var warning: String? {
        let command = configuration.map { DivergenceAdvice.command(output: output, configuration: $0) } ?? ""
        if record.exploded == true {
            return "the loss has exploded: these weights are worse than none; to go on from the newest sound "
                + "checkpoint with a lower rate: \(command)"
        }
        let guessing = log(Double(max(2, record.vocabulary)))
        guard record.step >= record.stepsPerEpoch, let loss = record.smoothedLoss, loss > guessing else { return nil }
        return "a loss of \(Readable.loss(loss)) is no better than guessing, which loses \(Readable.loss(guessing)); "
            + "to go on with a lower rate: \(command)"
    }

    /// Lines for the user; the first begins with `title`.
    public func lines(_ title: String) -> [String] {
        let epochs = Double(record.step) / Double(max(1, record.stepsPerEpoch))
        var work =
            "\(Readable.grouped(record.step)) of \(Readable.counted(record.totalSteps, "step")), "
            + "\(Readable.fixed(epochs, epochs == epochs.rounded() ? 0 : 2)) epoch\(epochs == 1 ? "" : "s")"
        if let seconds { work += ", in \(Readable.duration(seconds))" }
        if let tokensPerSecond, tokensPerSecond > 0 { work += ", \(Readable.count(tokensPerSecond)) tokens/s" }
        var losses = "\(Readable.loss(record.smoothedLoss)) training"
        if let loss = record.validationLoss { losses += ", \(Readable.loss(loss)) validation" }
        if let best = record.bestValidationLoss {
            losses += " (best \(Readable.loss(best)) at step \(Readable.grouped(record.bestStep)))"
        }
        var lines = [
            title + String(repeating: " ", count: max(1, 13 - title.count)) + work,
            "loss         \(losses)  nats a token",
            "checkpoint   \(checkpoint)",
            "             model.safetensors SHA-256 \(modelSHA256)",
        ]
        if let warning { lines.append("WARNING      \(warning)") }
        return lines
    }
}
