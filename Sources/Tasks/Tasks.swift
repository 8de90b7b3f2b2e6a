// Module Tasks: a task is how examples are read, plus a network, a loss, measures and predictions.
//
// It joins `Corpora` (what a step reads) with `Recurrent` (what a step computes). Servers ask it for counts and the
// layout, workers for the batches of their shards. It never knows of sockets, processes or checkpoints' files.

import Configuration
import Optimization
import Recurrent

extension LanguageModelShape {
    /// The shape that a configuration describes for a vocabulary.
    public init(_ configuration: RunConfiguration, vocabulary: Int) {
        let model = configuration.model
        let cell: Recurrent.CellKind =
            switch (model.cell, model.activation) {
            case (.elman, .tanh): .elman(.tanh)
            case (.elman, .relu): .elman(.relu)
            case (.lstm, _): .longShortTermMemory
            case (.gru, _): .gatedRecurrentUnit
            }
        self.init(
            cell: cell, layers: model.layers, hiddenSize: model.hidden, embeddingSize: model.embedding,
            vocabulary: vocabulary, dropout: model.dropout,
            precision: configuration.training.precision == .bfloat16 ? .bfloat16 : .single)
    }
}

extension Optimization.AdamConfiguration {
    init(_ adam: Configuration.AdamConfiguration) {
        self.init(rate: adam.rate, beta1: adam.beta1, beta2: adam.beta2, epsilon: adam.epsilon)
    }
}
