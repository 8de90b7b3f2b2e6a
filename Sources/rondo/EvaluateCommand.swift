// rondo evaluate: the loss of a model on a text.

import ArgumentParser
import Foundation
import Inference
import Supervisor

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Measure the loss of a model on a text.",
        discussion: """
            The text is read as a run reads its validation data. Prepared token files of a run \
            (data/validation.tokens in its directory) can be given, too.
            """)

    @Option(
        help: ArgumentHelp(
            "A checkpoint, or the directory of a run, of which the newest is taken.", valueName: "dir"))
    var checkpoint: String

    @Option(help: ArgumentHelp("The text; - is standard input.", valueName: "file"))
    var data: String

    @OptionGroup var adoption: AdoptionOption

    @Flag(help: "Print JSON.")
    var json = false

    private struct Report: Encodable {
        var loss: Double
        /// Missing where it is beyond all numbers.
        var perplexity: Double?
        var bitsPerSymbol: Double?
        var tokens: Int
        var nats: Double
        var step: Int
    }

    mutating func run() throws {
        Interruption.endsProgram()
        var model = try CheckpointSource.load(checkpoint, adoptsWeights: adoption.adoptsWeights)
        let result = try model.evaluate(file: data)
        guard !json else {
            let report = Report(
                loss: result.loss, perplexity: result.perplexity.isFinite ? result.perplexity : nil,
                bitsPerSymbol: result.bitsPerSymbol, tokens: result.tokens, nats: result.nats, step: model.record.step)
            return try StandardOutput.line(JSONLine.encode(report, pretty: true))
        }
        var lines = [
            "loss         \(Readable.fixed(result.loss, 6)) nats a token",
            "perplexity   \(Readable.fixed(result.perplexity, 4))",
        ]
        if let bits = result.bitsPerSymbol {
            let symbol = result.tokenizer == .bytes ? "byte" : "character"
            lines.append("bits         \(Readable.fixed(bits, 4)) a \(symbol)")
        }
        lines.append("tokens       \(result.tokens)")
        try StandardOutput.write(lines.joined(separator: "\n") + "\n")
    }
}

/// JSON on standard output.
enum JSONLine {
    static func encode(_ value: some Encodable, pretty: Bool) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
