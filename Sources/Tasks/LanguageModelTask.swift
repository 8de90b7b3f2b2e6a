// The language model as a task: which tokens each shard of each step reads.

import Configuration
import Corpora
import Numerics
import Optimization
import Platform
import Recurrent

/// A language model's run: everything about it that is a pure function of configuration and data.
public struct LanguageModelTask: Sendable {
    /// The configuration of the run.
    public let configuration: RunConfiguration
    /// The network's shape.
    public let shape: LanguageModelShape
    /// The names and places of the parameters.
    public let layout: ParameterLayout
    /// The constants of Adam.
    public let optimizer: Optimization.AdamConfiguration
    /// The updates of one pass over the training data.
    public let stepsPerEpoch: Int
    /// The updates of the whole run.
    public let totalSteps: Int
    private(set) var schedule: TrainingSchedule
    let training: MappedTokens
    let evaluation: (schedule: EvaluationSchedule, tokens: MappedTokens)?

    /// The task over prepared data.
    ///
    /// - Throws: `CorpusError` when the data are too short, or not what the references say.
    public init(_ configuration: RunConfiguration, corpus: PreparedCorpus) throws(CorpusError) {
        try self.init(
            configuration, tokenizer: corpus.tokenizer,
            training: try MappedTokens(path: corpus.training.path),
            validation: try corpus.validation.map { reference throws(CorpusError) in
                try MappedTokens(path: reference.path)
            })
    }

    /// The task over mapped token files.
    ///
    /// - Throws: `CorpusError` when the data are too short.
    public init(
        _ configuration: RunConfiguration, tokenizer: Tokenizer, training: MappedTokens, validation: MappedTokens?
    ) throws(CorpusError) {
        self.configuration = configuration
        shape = LanguageModelShape(configuration, vocabulary: tokenizer.count)
        layout = LanguageModelNetwork<Float>.layout(shape)
        optimizer = Optimization.AdamConfiguration(configuration.training.adam)
        self.training = training
        schedule = try TrainingSchedule(configuration, tokens: training, tokenizer: tokenizer)
        stepsPerEpoch = schedule.stepsPerEpoch
        totalSteps = schedule.stepCount(configuration.training)
        evaluation = validation.map {
            (EvaluationSchedule(configuration, tokens: $0, tokenizer: tokenizer), $0)
        }
    }

    /// The number of shards of a step.
    public var shards: Int { configuration.training.shards }
    /// The seed of the run.
    public var seed: UInt64 { configuration.training.seed }
    /// Passes over the training data.
    public var epochs: Int { configuration.training.epochs }
    /// The number of parameters.
    public var parameterCount: Int { layout.tensors.reduce(0) { $0 + $1.count } }
    /// Whether hidden states travel from step to step.
    public var carriesState: Bool { configuration.data.shape == .stream }

    /// The numbers of carried state that a shard has after a step; 0 where none travels.
    public func carriedStateCount(ofShard shard: Int) -> Int {
        guard carriesState else { return 0 }
        let lanes = shardRange(shard: shard, shards: shards, lanes: configuration.training.batch)
        let statesPerLayer = shape.cell == .longShortTermMemory ? 2 : 1
        return lanes.count * shape.layers * statesPerLayer * shape.hiddenSize
    }

    /// Updates between two evaluations; `nil` without validation data.
    public var stepsBetweenEvaluations: Int? {
        guard evaluation != nil else { return nil }
        switch configuration.training.validate {
        case .epoch: return stepsPerEpoch
        case .steps(let steps): return steps
        }
    }

    /// "lstm 2×256, embedding 64, 65 symbols, stream 32×64"
    public var summary: String {
        let model = configuration.model
        let training = configuration.training
        return "\(model.cell.rawValue) \(model.layers)×\(model.hidden), embedding \(model.embedding), "
            + "\(Counted.text(shape.vocabulary, "symbol")), "
            + "\(configuration.data.shape.rawValue) \(training.batch)×\(training.sequence)"
    }

    /// Sets the initial weights of the run.
    public func initialize(_ weights: borrowing Buffer<Float>) {
        var network = LanguageModelNetwork<Float>(shape)
        network.initializeWeights(seed: seed)
        weights.pointer.update(from: network.weights.pointer, count: layout.count)
    }

    /// What a span of shards reads in a step. The order of an epoch is kept for the next call.
    public mutating func trainingBatch(step: Int, span: ShardRange) -> TrainingBatch {
        let shards = span.indices.map { shard in
            ShardSequences(shard: shard, schedule.shardBatch(shard: shard, step: step, tokens: training))
        }
        return TrainingBatch(
            sequences: SequenceBatch(shards: shards), carriesState: carriesState && step % stepsPerEpoch != 0)
    }
}

/// What a span of shards reads in a step.
public struct TrainingBatch: Sendable {
    /// The sequences of each shard.
    public let sequences: SequenceBatch
    /// Whether the hidden states of the step before are continued; otherwise the step starts from zeros.
    public let carriesState: Bool
}

extension ShardSequences {
    init(shard: Int, _ batch: ShardBatch) {
        self.init(shard: shard, inputs: batch.inputs, targets: batch.targets)
    }
}

extension EvaluationSchedule {
    /// The schedule of a configuration for a token file of its shape.
    init(_ configuration: RunConfiguration, tokens: MappedTokens, tokenizer: Tokenizer) {
        let isStream = configuration.data.shape == .stream
        self.init(
            tokens: tokens, shards: configuration.training.shards,
            endOfSequence: isStream ? nil : tokenizer.endOfSequence)
    }
}
