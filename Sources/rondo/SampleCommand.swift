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
        // Whoever keeps a sample needs what made it, wherever standard error goes.
        let chosen = greedy ? "" : ", seed \(seed)"
        StandardError.line("step \(model.record.step) of \(model.record.totalSteps)\(chosen)")
        let bytes = RawArguments.bytes(prompt)
        let encoded = try model.encode(prompt: bytes)
        if !encoded.unknownWords.isEmpty {
            let list = encoded.unknownWords.prefix(5).map { ForeignText.shown($0) }.joined(separator: ", ")
            StandardError.line("rondo: not in the vocabulary, read as <unk>: \(list)")
        }
        let request = GenerationRequest(prompt: prompt, length: length, rule: rule, seed: seed, count: count)
        let sequences = model.readsSequences
        /// What is shown before the text of each sample.
        let opening = model.tokenizer.kind == .words ? Self.withoutTrailingBlanks(bytes) : bytes
        func heading(_ sample: Int) -> [UInt8] {
            // Lines stand for themselves; longer texts need to be told apart.
            if count == 1 || sequences { return opening }
            return Array(((sample > 0 ? "\n" : "") + "--- sample \(sample + 1) of \(count)\n").utf8) + opening
        }
        // The first sample is shown as it comes, the others when it is done.
        var later = [[UInt8]](repeating: [], count: count)
        var endsLine = opening.last == Self.lineEnd
        try Self.write(heading(0))
        try generate(&model, request, encoded) { sample, bytes in
            if sample > 0 {
                later[sample] += bytes
            } else if !bytes.isEmpty {
                endsLine = bytes.last == Self.lineEnd
                try Self.write(bytes)
            }
        }
        if !endsLine { try Self.write([Self.lineEnd]) }
        for sample in 1..<max(1, count) {
            let bytes = heading(sample) + later[sample]
            try Self.write(bytes.last == Self.lineEnd ? bytes : bytes + [Self.lineEnd])
        }
    }

    /// Bytes come out as they are, unless a terminal would have to make sense of them.
    private func generate(
        _ model: inout LoadedModel, _ request: GenerationRequest, _ prompt: EncodedPrompt,
        _ onBytes: (_ sample: Int, _ bytes: [UInt8]) throws -> Void
    ) throws {
        guard model.tokenizer.kind == .bytes, !CurrentProcess.isTerminal(1) else {
            try model.generate(request, from: prompt) { try onBytes($0, Array($1.utf8)) }
            return
        }
        try model.generateTokens(request, from: prompt) { sample, token in
            try onBytes(sample, [UInt8(exactly: token) ?? Self.lineEnd])
        }
    }

    private static let lineEnd: UInt8 = 0x0A

    /// Writes text of a model; what could steer a terminal is shown instead of obeyed there.
    private static func write(_ bytes: [UInt8]) throws {
        guard CurrentProcess.isTerminal(1) else {
            return try bytes.withUnsafeBytes { try StandardOutput.write($0) }
        }
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
            scalar == "\n" || scalar == "\t" ? String(scalar) : ForeignText.shown(String(scalar))
        }
        try StandardOutput.write(text.joined())
    }

    private func rule() throws -> SamplingRule {
        guard greedy else { return try SamplingRule(temperature: temperature ?? 1, topK: topK, topP: topP) }
        guard temperature == nil, topK == nil, topP == nil else {
            throw ProgramFailure(
                .usage, "--greedy always takes the likeliest token; leave out --temperature, --top-k and --top-p")
        }
        return .greedy
    }

    private static func withoutTrailingBlanks(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return bytes
    }
}
