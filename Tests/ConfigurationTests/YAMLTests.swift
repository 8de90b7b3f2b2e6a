// A configuration printed as YAML is the same configuration.

import Testing

@testable import Configuration

@Suite("A configuration as YAML")
struct YAMLTests {
    /// A configuration with most values other than the defaults, drawn by lot.
    private func random(_ generator: inout some RandomNumberGenerator) -> RunConfiguration {
        func one<Element>(of choices: [Element]) -> Element { choices.randomElement(using: &generator)! }
        let paths = [
            "corpus.txt", "~/a b.txt", "0.5", "true", "null", "- x", "ü\"\\'#: {}", "a\tb\nc\rd\u{1B}\u{FEFF}\u{2028}",
            "😀", "[x]",
        ]
        func number(_ range: ClosedRange<Double>) -> Double {
            one(of: [Double.random(in: range, using: &generator), range.lowerBound, 1e-9, 0.1])
        }
        let cell = one(of: CellKind.allCases)
        let tokenizer = one(of: TokenizerKind.allCases)
        var run = RunConfiguration(
            data: DataConfiguration(
                train: one(of: paths),
                validation: one(of: [.fraction(number(0...0.99)), .fraction(0), .file(one(of: paths))]),
                tokenizer: tokenizer, shape: one(of: StreamShape.allCases),
                vocabulary: tokenizer == .words ? one(of: [0, 3, 1_000_000_000]) : 0))
        run.model = ModelConfiguration(
            cell: cell, activation: cell == .elman ? one(of: ActivationKind.allCases) : .tanh,
            layers: Int.random(in: 1...3, using: &generator), hidden: Int.random(in: 1...64, using: &generator),
            embedding: Int.random(in: 1...65_536, using: &generator), dropout: number(0...0.99))
        run.training = TrainingConfiguration(
            epochs: Int.random(in: 1...1_000_000, using: &generator),
            steps: one(of: [nil, 1, 4_294_967_295]), batch: Int.random(in: 8...500, using: &generator),
            sequence: Int.random(in: 1...65_536, using: &generator), shards: Int.random(in: 1...8, using: &generator),
            adam: AdamConfiguration(
                rate: number(1e-300...1e300), beta1: number(0...0.99), beta2: number(0...0.99), epsilon: .ulpOfOne),
            clip: number(0...1e10), seed: one(of: [0, 1, .max]),
            consistency: one(of: [.synchronous, .asynchronous, .bounded(1_000_000)]),
            precision: one(of: PrecisionKind.allCases), validate: one(of: [.epoch, .steps(1), .steps(4_294_967_295)]))
        run.checkpoints = CheckpointConfiguration(every: one(of: [1, 4_294_967_295]), keep: one(of: [1, 1_000_000]))
        return run
    }

    @Test("what is printed is read as the same configuration, whatever its values")
    func roundTrip() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let run = random(&generator)
            let text = run.yaml()
            #expect(try RunConfiguration(yaml: text, file: "printed.yaml") == run, "\(text)")
        }
    }

    @Test("every key is printed, but the number of steps only where there is one")
    func keys() {
        let text = RunConfiguration(data: DataConfiguration(train: "x")).yaml()
        for key in Suggestion.allKeys where key != "training.steps" {
            let name = key.split(separator: ".").last!
            #expect(text.contains("\(name): "), "\(key) is missing")
        }
        #expect(!text.contains("steps:"))
    }
}
