// What is refused, and in which words.

import Testing

@testable import Configuration

@Suite("Errors of a configuration")
struct ConfigurationErrorTests {
    /// The description of the error that reading gives.
    private func problem(_ yaml: String, overrides: [String] = []) -> String {
        do {
            _ = try RunConfiguration(yaml: yaml, file: "run.yaml", overrides: overrides)
            return "no error"
        } catch {
            return error.description
        }
    }

    private func problem(model: String) -> String {
        problem("task: language-model\ndata: {train: a}\nmodel:\n  \(model)")
    }

    private func problem(training: String) -> String {
        problem("task: language-model\ndata: {train: a}\ntraining:\n  \(training)")
    }

    @Test(
        "an unknown key is named with its line and the nearest valid key",
        arguments: [
            ("hiden: 5", "run.yaml:4: model.hiden: unknown key; did you mean 'hidden'?"),
            ("layers: 1\n  hidden_size: 5", "run.yaml:5: model.hidden_size: unknown key; did you mean 'hidden'?"),
            ("lr: 5", "run.yaml:4: model.lr: unknown key; did you mean 'training.adam.rate'?"),
            ("epochs: 5", "run.yaml:4: model.epochs: unknown key; did you mean 'training.epochs'?"),
            (
                "xyzzy: 5",
                "run.yaml:4: model.xyzzy: unknown key; the valid keys are cell, activation, layers, hidden, embedding, "
                    + "dropout, bidirectional"
            ),
        ])
    func unknownKeys(model: String, expected: String) {
        #expect(problem(model: model) == expected)
    }

    @Test("an unknown section is named")
    func unknownSection() {
        #expect(
            problem("task: language-model\ntrainning: {}")
                == "run.yaml:2: trainning: unknown key; did you mean 'training'?"
        )
    }

    @Test(
        "a wrong type or range says what was expected and what was found",
        arguments: [
            ("hidden: wide", "model.hidden: expected a whole number from 1 to 65536, found 'wide'"),
            ("hidden: 2.5", "model.hidden: expected a whole number from 1 to 65536, found the number 2.5"),
            ("hidden: 0", "model.hidden: expected a whole number from 1 to 65536, found the number 0"),
            ("hidden: '64'", "model.hidden: expected a whole number from 1 to 65536, found the text \"64\""),
            ("hidden: [64, 64]", "model.hidden: expected a whole number from 1 to 65536, found a list"),
            ("hidden: {a: 1}", "model.hidden: expected a whole number from 1 to 65536, found a section"),
            (
                "hidden: 99999999999999999999",
                "model.hidden: expected a whole number from 1 to 65536, found the number 99999999999999999999"
            ),
            ("dropout: 1.0", "model.dropout: expected a number of at least 0 and below 1, found the number 1.0"),
            ("dropout: .nan", "model.dropout: expected a number of at least 0 and below 1, found '.nan'"),
            ("dropout: -0.1", "model.dropout: expected a number of at least 0 and below 1, found the number -0.1"),
            ("cell: ltsm", "model.cell: expected elman, lstm or gru, found 'ltsm'; did you mean 'lstm'?"),
            ("cell: 3", "model.cell: expected elman, lstm or gru, found the number 3"),
            ("bidirectional: yes", "model.bidirectional: expected true or false, found 'yes'"),
            ("activation: relu", "model.activation: can be chosen for cell elman only, but model.cell is lstm"),
            (
                "bidirectional: true",
                "model.bidirectional: must be false for task language-model: "
                    + "a backward direction would read the tokens to be predicted"
            ),
        ])
    func wrongValues(model: String, expected: String) {
        #expect(problem(model: model) == "run.yaml:4: " + expected)
    }

    @Test(
        "limits that concern training",
        arguments: [
            ("adam: {rate: 0}", "4: training.adam.rate: expected a number above 0, found the number 0"),
            (
                "adam: 0.1",
                "4: training.adam: expected a section with the keys rate, beta1, beta2, epsilon, found the number 0.1"
            ),
            (
                "batch: 4",
                "4: training.batch: every shard needs a lane or sequence, "
                    + "but training.shards is 8 and training.batch 4"
            ),
            (
                "batch: 4\n  shards: 5",
                "5: training.shards: every shard needs a lane or sequence, "
                    + "but training.shards is 5 and training.batch 4"
            ),
            (
                "validate: never",
                "4: training.validate: expected epoch, or a number of steps from 1 to 4294967295, found 'never'"
            ),
            (
                "seed: -1",
                "4: training.seed: expected a whole number from 0 to 18446744073709551615, found the number -1"
            ),
            (
                "consistency: bounded",
                "4: training.consistency: expected synchronous, asynchronous, or {bounded: VERSIONS}, found 'bounded'"
            ),
            (
                "consistency: {bounded: 0}",
                "4: training.consistency.bounded: expected a whole number from 1 to 1000000, found the number 0"
            ),
            ("clip: -1", "4: training.clip: expected a number of at least 0, found the number -1"),
        ])
    func wrongTraining(training: String, expected: String) {
        #expect(problem(training: training) == "run.yaml:" + expected)
    }

    @Test(
        "what is wrong with the data section",
        arguments: [
            ("{}", "missing; expected the path of a text file", "train"),
            ("{train: 5}", "expected the path of a text file, found the number 5", "train"),
            ("{train: ''}", "expected the path of a text file, found the text \"\"", "train"),
            (
                "{train: a, validation: 1}",
                "expected a fraction of at least 0 and below 1, or the path of a text file, found the number 1",
                "validation"
            ),
            (
                "{train: a, vocabulary: 5}", "limits a vocabulary of words, but data.tokenizer is characters",
                "vocabulary"
            ),
            (
                "{train: a, tokenizer: words, vocabulary: 2}",
                "must leave room for <unk>, <eos> and one word: at least 3, or 0", "vocabulary"
            ),
        ])
    func wrongData(data: String, expected: String, key: String) {
        #expect(problem("task: language-model\ndata: \(data)") == "run.yaml:2: data.\(key): \(expected)")
    }

    @Test("everything that is wrong is told, from the file and from the overrides")
    func all() {
        let yaml = """
            task: language-modle
            data: {validation: 2, vocabulary: 5}
            model: {cell: ltsm, hidden: 16, hidden: 17, colour: red}
            training: {epochs: x, batch: 4, shards: 5}
            checkpoints: 7
            """
        do {
            _ = try RunConfiguration(yaml: yaml, file: "run.yaml", overrides: ["nonsense", "training.clip=-1"])
            Issue.record("read")
        } catch {
            #expect(
                error.all.map(\.key) == [
                    "model.hidden", "", "task", "data.train", "data.validation", "data.vocabulary", "model.colour",
                    "model.cell", "training.epochs", "training.clip", "training.shards", "checkpoints",
                ])
            #expect(error.all.allSatisfy { !$0.description.contains("\n") })
        }
    }

    @Test("what follows from another mistake is not told: a key under a wrong name is neither missing nor in conflict")
    func consequences() {
        func keys(_ yaml: String) -> [String] {
            do {
                _ = try RunConfiguration(yaml: yaml, file: "run.yaml")
                return []
            } catch {
                return error.all.map(\.key)
            }
        }
        #expect(keys("task: language-model\ndat: {train: a}") == ["dat"])
        #expect(keys("tsk: language-model\ndata: {train: a}") == ["tsk"])
        #expect(keys("task: language-model\ndata: {train: a}\ntraining: {shards: 64, bach: 64}") == ["training.bach"])
        #expect(keys("task: language-model\ndata: {train: a}\ntraining: {shards: 64, batch: x}") == ["training.batch"])
        #expect(keys("task: language-model\ndata: {train: a}\nmodel: {cell: x, activation: relu}") == ["model.cell"])
    }

    @Test("an empty file lacks a task")
    func empty() {
        #expect(problem("") == "run.yaml: task: missing; expected language-model")
        #expect(problem("# nothing here\n") == "run.yaml: task: missing; expected language-model")
    }

    @Test("a key given twice is refused")
    func duplicates() {
        #expect(
            problem(model: "hidden: 5\n  layers: 1\n  hidden: 6")
                == "run.yaml:4: model.hidden: this key is given twice in one section; this is the first of them")
        #expect(
            problem(model: "hidden: 5\n  layers: 1\n  \"hidden\": 6")
                == "run.yaml:4: model.hidden: this key is given twice in one section; this is the first of them")
    }

    @Test("what is not YAML is refused with its line")
    func syntax() {
        #expect(problem("task: language-model\ndata: {train: a\nmodel: 3").hasPrefix("run.yaml:3: not YAML: "))
        #expect(problem("a: b\n---\nc: d").hasPrefix("run.yaml:2: not YAML: "))
        #expect(problem("a: b\nc: \u{1}").hasPrefix("run.yaml:2: not YAML: "))
        #expect(problem("- 1\n- 2").hasSuffix("found a list"))
        #expect(problem(String(repeating: "[", count: 100_000)).hasPrefix("run.yaml"))
        #expect(problem(String(repeating: "#", count: 2 << 20)).contains("too many for a configuration"))
    }

    @Test(
        "errors of an override name the override",
        arguments: [
            ("model.hiden=5", "--set model.hiden=5: model.hiden: unknown key; did you mean 'hidden'?"),
            (
                "model.hidden=wide",
                "--set model.hidden=wide: model.hidden: expected a whole number from 1 to 65536, found 'wide'"
            ),
            (
                "training.batch=2",
                "--set training.batch=2: training.batch: every shard needs a lane or sequence, "
                    + "but training.shards is 8 and training.batch 2"
            ),
            (
                "model.hidden.size=5",
                "run.yaml:3: model.hidden: expected a section, found the number 16"
            ),
            (
                "model.hidden",
                "--set model.hidden: expected KEY=VALUE with a dotted key, such as training.adam.rate=0.01"
            ),
            (".=5", "--set .=5: expected KEY=VALUE with a dotted key, such as training.adam.rate=0.01"),
            (
                "model.adam.rate=1",
                "--set model.adam.rate=1: model.adam: unknown key; the valid keys are cell, activation, layers, "
                    + "hidden, embedding, dropout, bidirectional"
            ),
        ])
    func overrides(override: String, expected: String) {
        #expect(
            problem("task: language-model\ndata: {train: a}\nmodel: {hidden: 16}", overrides: [override]) == expected)
    }

    @Test("an error stays one line, whatever the text")
    func oneLine() {
        let long = String(repeating: "x\\n", count: 100)
        let text = problem(model: "hidden: \"\(long)\"")
        #expect(!text.contains("\n") && text.count < 200)
    }

    @Test("any bytes give a configuration or an error")
    func fuzz() {
        let seed = UInt64.random(in: .min ... .max)
        print("ConfigurationErrorTests.fuzz seed \(seed)")
        var random = SplitMix(state: seed)
        let text = Array("task: language-model\ndata: {train: a}\nmodel:\n  hidden: 5\n  cell: 'lstm'\n".utf8)
        let alphabet = Array("{}[]:,&*!|>'\"%@`-? \n\t#a1~\\".utf8) + [0, 1, 0x80, 0xC3, 0xFF]
        for _ in 0..<3_000 {
            var bytes = text
            for _ in 0...Int.random(in: 0..<6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let byte = alphabet.randomElement(using: &random)!
                if Bool.random(using: &random) { bytes[place] = byte } else { bytes.insert(byte, at: place) }
            }
            #expect(!problem(String(decoding: bytes, as: UTF8.self)).contains("\n"))
            _ = try? RunConfiguration(json: bytes)
        }
    }
}

/// A small generator whose seed can be printed (Steele, Lea and Flood 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
