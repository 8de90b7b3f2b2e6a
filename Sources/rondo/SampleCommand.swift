// rondo sample: text from a model.

import ArgumentParser
import Inference
import Platform
import Supervisor

struct SampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample", abstract: "Generate text from a checkpoint, or from a run that is still going on.")

    @OptionGroup var source: ModelSource

    @Option(parsing: .unconditional, help: ArgumentHelp("The text to go on from.", valueName: "text"))
    var prompt = ""

    @Option(parsing: .unconditional, help: ArgumentHelp("The most tokens to generate, of each sample.", valueName: "n"))
    var length = 500

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Above 1 bolder, below 1 more careful: q ∝ exp(log p / T). (default: 1)", valueName: "t"))
    var temperature: Double?

    @Option(parsing: .unconditional, help: ArgumentHelp("Choose among the k likeliest tokens only.", valueName: "k"))
    var topK: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Choose among the fewest likeliest tokens that together have this probability.", valueName: "p"))
    var topP: Double?

    @Flag(help: "Always take the likeliest token.")
    var greedy = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The same text for the same seed. (default: another one each time)", valueName: "seed"))
    var seed: UInt64?

    @Option(parsing: .unconditional, help: ArgumentHelp("How many samples to generate.", valueName: "n"))
    var count = 1

    mutating func run() throws {
        Interruption.endsProgram()
        let rule = try rule()
        guard (0...10_000_000).contains(length) else {
            throw ProgramFailure(.usage, "--length \(length): expected a number from 0 to 10000000")
        }
        guard (1...4096).contains(count) else {
            throw ProgramFailure(.usage, "--count \(count): expected a number from 1 to 4096")
        }
        var generator = SystemRandomNumberGenerator()
        let seed = self.seed ?? generator.next() >> 32
        var model = try source.load()
        if CurrentProcess.isTerminal(2) {
            let chosen = greedy ? "" : ", seed \(seed)"
            StandardError.line("step \(model.record.step) of \(model.record.totalSteps)\(chosen)")
        }
        let encoded = try model.encode(prompt: prompt)
        if !encoded.unknownWords.isEmpty {
            let list = encoded.unknownWords.prefix(5).joined(separator: ", ")
            StandardError.line("rondo: not in the vocabulary, read as <unk>: \(list)")
        }
        let request = GenerationRequest(prompt: prompt, length: length, rule: rule, seed: seed, count: count)
        let sequences = model.readsSequences
        /// What is shown before the text of each sample.
        let opening = model.tokenizer.kind == .words ? Self.withoutTrailingBlanks(prompt) : prompt
        func heading(_ sample: Int) -> String {
            // Lines stand for themselves; longer texts need to be told apart.
            if count == 1 || sequences { return opening }
            return (sample > 0 ? "\n" : "") + "--- sample \(sample + 1) of \(count)\n" + opening
        }
        // The first sample is shown as it comes, the others when it is done.
        var later = [String](repeating: "", count: count)
        var endsLine = opening.hasSuffix("\n")
        try StandardOutput.write(heading(0))
        try model.generate(request, from: encoded) { sample, text in
            if sample > 0 {
                later[sample] += text
            } else if !text.isEmpty {
                endsLine = text.hasSuffix("\n")
                try StandardOutput.write(text)
            }
        }
        if !endsLine { try StandardOutput.write("\n") }
        for sample in 1..<max(1, count) {
            let text = heading(sample) + later[sample]
            try StandardOutput.write(text.hasSuffix("\n") ? text : text + "\n")
        }
    }

    private func rule() throws -> SamplingRule {
        guard greedy else { return try SamplingRule(temperature: temperature ?? 1, topK: topK, topP: topP) }
        guard temperature == nil, topK == nil, topP == nil else {
            throw ProgramFailure(
                .usage, "--greedy always takes the likeliest token; leave out --temperature, --top-k and --top-p")
        }
        return .greedy
    }

    private static func withoutTrailingBlanks(_ text: String) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return text
    }
}
