// Configurations as other systems write them, and such as are made to hurt.

import Testing

@testable import Configuration

@Suite("Configurations that other systems wrote")
struct TextInputTests {
    private let yaml = "task: language-model\ndata: {train: a}\nmodel: {hidden: 64}\n"

    private func read(_ yaml: String) throws -> RunConfiguration { try RunConfiguration(yaml: yaml, file: "run.yaml") }

    @Test("a byte order mark, CR LF and CR change nothing")
    func lineEnds() throws {
        let expected = try read(yaml)
        #expect(try read("\u{FEFF}" + yaml) == expected)
        #expect(try read(yaml.replacing("\n", with: "\r\n")) == expected)
        #expect(try read(yaml.replacing("\n", with: "\r")) == expected)
    }

    @Test("an alias stands for what it repeats")
    func aliases() throws {
        let found = try read("task: language-model\ndata: {train: a}\nmodel: {hidden: &h 64, embedding: *h}\n")
        #expect(found.model.hidden == 64 && found.model.embedding == 64)
        #expect(throws: ConfigurationError.self) { try read("task: *none") }
    }

    @Test("aliases that multiply, as values or as keys, are refused at once", .timeLimit(.minutes(1)))
    func multiplyingAliases() {
        for (open, close) in [("{x: ", "}"), ("[", "]")] {
            let second = open == "[" ? ", " : ", y: "
            var lines = ["a0: &a0 \(open)1\(close)"]
            for index in 1..<40 {
                lines.append("a\(index): &a\(index) \(open)*a\(index - 1)\(second)*a\(index - 1)\(close)")
            }
            for end in ["", "\n? *a39\n: 1"] {
                #expect {
                    _ = try read(lines.joined(separator: "\n") + end)
                } throws: {
                    "\($0)".contains("more than 10000 values")
                }
            }
        }
    }

    @Test("deep nesting and many keys are refused at once", .timeLimit(.minutes(1)))
    func depthAndWidth() {
        for text in [
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 50_000),
            (0..<20_000).map { "key\($0): 1" }.joined(separator: "\n"),
        ] {
            #expect(throws: ConfigurationError.self) { try read(text) }
        }
    }

    @Test(
        "numbers at their extremes are refused with their key",
        arguments: [
            "epochs: 1000000000000000000", "epochs: 1e18", "batch: -0.0", "clip: .inf", "clip: .nan", "clip: 1e999",
            "adam: {rate: -1e308}", "steps: 18446744073709551616",
        ])
    func extremes(setting: String) {
        #expect {
            _ = try read("task: language-model\ndata: {train: a}\ntraining: {\(setting)}")
        } throws: {
            "\($0)".hasPrefix("run.yaml:3: training.")
        }
    }
}
