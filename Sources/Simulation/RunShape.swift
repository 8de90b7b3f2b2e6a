// What is trained in a simulation: tiny, but of every kind.

import Configuration

/// Everything that decides the final weights. Runs of one shape must end with the same bits.
struct RunShape: Hashable {
    var cell: CellKind
    var stream: StreamShape
    var layers: Int
    var shards: Int
    var steps: Int
    var precision: PrecisionKind
    var dropout: Double
    var validates: Bool
    /// In the modes without common steps the bits depend on who was how fast; all else must hold.
    var consistency: Consistency

    /// How many shapes there are: 24 synchronous ones, then the others.
    static let count = 30
    private static let synchronousCount = 24

    /// One of the shapes.
    init(number: Int) {
        var random = SplitMix(seed: UInt64(number) &+ 0x5EED)
        cell = [.lstm, .gru, .elman][number % 3]
        stream = number % 4 == 3 ? .sequences : .stream
        layers = random.happens(0.25) ? 2 : 1
        shards = [2, 3, 4, 4, 5, 7][random.below(6)]
        steps = random.pick(5...9)
        precision = random.happens(0.2) ? .bfloat16 : .single
        dropout = random.happens(0.2) ? 0.25 : 0
        validates = random.happens(0.4)
        consistency =
            number < Self.synchronousCount
            ? .synchronous : [.asynchronous, .bounded(1), .bounded(2)][(number - Self.synchronousCount) % 3]
    }

    /// The run's configuration.
    func configuration(text: String, checkpointEvery: Int, keep: Int) -> RunConfiguration {
        RunConfiguration(
            data: DataConfiguration(
                train: text, validation: .fraction(validates ? 0.2 : 0), tokenizer: .characters, shape: stream),
            model: ModelConfiguration(cell: cell, layers: layers, hidden: 4, embedding: 3, dropout: dropout),
            training: TrainingConfiguration(
                epochs: 100, steps: steps, batch: 8, sequence: 4, shards: shards,
                adam: AdamConfiguration(rate: 0.01), clip: 1, seed: 7, consistency: consistency, precision: precision,
                validate: validates ? .steps(4) : .epoch),
            checkpoints: CheckpointConfiguration(every: checkpointEvery, keep: keep))
    }

    /// The text that all shapes learn: lines of a few words.
    static let text: String = {
        var random = SplitMix(seed: 1)
        let words = ["a", "ab", "baa", "cab", "dad", "bed", "ace", "deed"]
        return (0..<24).map { _ in
            (0..<random.pick(2...5)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
        }.joined(separator: "\n") + "\n"
    }()
}
