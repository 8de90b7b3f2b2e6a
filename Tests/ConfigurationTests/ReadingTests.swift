// What a configuration holds after reading: defaults, values, overrides.

import Testing

@testable import Configuration

@Suite("Reading a configuration")
struct ReadingTests {
    static let smallest = "task: language-model\ndata: {train: corpus.txt}\n"

    @Test("the smallest configuration has the documented defaults")
    func defaults() throws {
        let run = try RunConfiguration(yaml: Self.smallest, file: "run.yaml")
        #expect(run == RunConfiguration(data: DataConfiguration(train: "corpus.txt")))
        #expect(run.data.validation == .fraction(0.1))
        #expect(run.data.tokenizer == .characters && run.data.shape == .stream && run.data.vocabulary == 0)
        #expect(run.model == ModelConfiguration(cell: .lstm, layers: 2, hidden: 256, embedding: 64, dropout: 0))
        #expect(run.training.epochs == 10 && run.training.steps == nil && run.training.batch == 32)
        #expect(run.training.sequence == 64 && run.training.shards == 8 && run.training.clip == 5)
        #expect(run.training.adam == AdamConfiguration(rate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8))
        #expect(run.training.seed == 1 && run.training.precision == .single && run.training.validate == .epoch)
        #expect(run.checkpoints == CheckpointConfiguration(every: 500, keep: 3))
    }

    @Test("every key can be set")
    func everyKey() throws {
        let run = try RunConfiguration(
            yaml: """
                task: language-model
                data:
                  train: "a b.txt"
                  validation: valid.txt
                  tokenizer: words
                  shape: sequences
                  vocabulary: 5000
                model: {cell: elman, activation: relu, layers: 3, hidden: 7, embedding: 5, dropout: 0.25,
                        bidirectional: false}
                training:
                  epochs: 2
                  steps: 1000
                  batch: 20
                  sequence: 35
                  shards: 4
                  adam: {rate: 1e-3, beta1: 0.8, beta2: 0.99, epsilon: 1e-6}
                  clip: 0
                  seed: 18446744073709551615
                  consistency: synchronous
                  precision: bfloat16
                  validate: 250
                checkpoints: {every: 10, keep: 1}
                """, file: "run.yaml")
        #expect(
            run
                == RunConfiguration(
                    data: DataConfiguration(
                        train: "a b.txt", validation: .file("valid.txt"), tokenizer: .words, shape: .sequences,
                        vocabulary: 5000),
                    model: ModelConfiguration(
                        cell: .elman, activation: .relu, layers: 3, hidden: 7, embedding: 5, dropout: 0.25),
                    training: TrainingConfiguration(
                        epochs: 2, steps: 1000, batch: 20, sequence: 35, shards: 4,
                        adam: AdamConfiguration(rate: 0.001, beta1: 0.8, beta2: 0.99, epsilon: 1e-6), clip: 0,
                        seed: .max, precision: .bfloat16, validate: .steps(250)),
                    checkpoints: CheckpointConfiguration(every: 10, keep: 1)))
    }

    @Test("defaults that depend on another key follow it")
    func dependentDefaults() throws {
        let words = try RunConfiguration(
            yaml: "{task: language-model, data: {train: a, tokenizer: words, shape: sequences}}", file: "run.yaml")
        #expect(words.data.vocabulary == 10_000)
        #expect(words.training.sequence == 512)
    }

    @Test("an empty section and a key without a value mean their defaults")
    func nothing() throws {
        let run = try RunConfiguration(
            yaml: Self.smallest + "model:\ntraining:\n  steps: ~\n  adam:\n  batch:\n", file: "run.yaml")
        #expect(run == RunConfiguration(data: DataConfiguration(train: "corpus.txt")))
    }

    @Test("a quoted number in place of a path is a path")
    func quotedPath() throws {
        let run = try RunConfiguration(
            yaml: "{task: language-model, data: {train: '12', validation: '0.5'}}", file: "run.yaml")
        #expect(run.data.train == "12" && run.data.validation == .file("0.5"))
    }

    @Test("overrides win over the file, later ones over earlier ones, and make missing sections")
    func overrides() throws {
        let run = try RunConfiguration(
            yaml: Self.smallest + "model: {hidden: 8}\n", file: "run.yaml",
            overrides: [
                "model.hidden=9", "model.hidden=10", "training.adam.rate=0.01", "training.steps=5",
                "data.train=x=y.txt",
                "training.validate=3", "training.steps=",
            ])
        #expect(run.model.hidden == 10)
        #expect(run.training.adam.rate == 0.01)
        #expect(run.data.train == "x=y.txt")
        #expect(run.training.validate == .steps(3))
        #expect(run.training.steps == nil)
    }

    @Test("overrides alone make a configuration")
    func overridesOnly() throws {
        let run = try RunConfiguration(
            yaml: "", file: "run.yaml", overrides: ["task=language-model", "data.train=corpus.txt"])
        #expect(run == RunConfiguration(data: DataConfiguration(train: "corpus.txt")))
    }
}
