// rondo score: how likely a model finds each line.

import ArgumentParser
import Inference
import Supervisor

struct ScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Print the log-probability of each line of a text.",
        discussion: """
            One line for each: the sum of the log-probabilities in nats, how many tokens were predicted, the line; \
            with tabs between. Each line is read on its own, as if after a line end; its own end is predicted too. \
            A byte order mark in front of the text is no part of it. A carriage return before a line end is one of the \
            line's symbols where the model's text had them, and otherwise none.
            """)

    @Option(
        help: ArgumentHelp(
            "A checkpoint, or the directory of a run, of which the newest is taken.", valueName: "dir"))
    var checkpoint: String

    @Argument(help: ArgumentHelp("The text; - is standard input, which is also the default.", valueName: "file"))
    var file: String?

    @OptionGroup var adoption: AdoptionOption

    @Flag(help: "Print a JSON object a line.")
    var json = false

    private struct Report: Encodable {
        var logProbability: Double
        var tokens: Int
        var line: String
    }

    mutating func run() throws {
        Interruption.endsProgram()
        var model = try CheckpointSource.load(checkpoint, adoptsWeights: adoption.adoptsWeights)
        var input = try LineInput(file)
        while var lines = try input.next() {
            if lines[0].number == 1 { lines[0].bytes = model.withoutMark(lines[0].bytes) }
            for index in lines.indices { lines[index].bytes = model.withoutLineEnd(lines[index].bytes) }
            var encoded: [[Int32]] = []
            var failure: ProgramFailure?
            for line in lines {
                do {
                    encoded.append(try model.encode(line: line.bytes))
                } catch {
                    failure = ProgramFailure(.badData, "\(input.name):\(line.number): \(error)")
                    break
                }
            }
            // Lines before a faulty one have their scores.
            var text = ""
            for (line, score) in zip(lines, try model.score(encoded)) {
                let words = String(decoding: line.bytes, as: UTF8.self)
                if json {
                    text += try JSONLine.encode(
                        Report(logProbability: score.logProbability, tokens: score.tokens, line: words), pretty: false)
                } else {
                    text += "\(Readable.fixed(score.logProbability, 3))\t\(score.tokens)\t\(words)"
                }
                text += "\n"
            }
            try StandardOutput.write(text)
            if let failure { throw failure }
        }
    }
}
