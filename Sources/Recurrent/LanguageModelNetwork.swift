// The network that predicts the next token.

import Numerics

/// The shape of a ``LanguageModelNetwork``.
public struct LanguageModelShape: Sendable, Hashable {
    /// The kind of the recurrent cells.
    public var cell: CellKind
    /// The number of recurrent layers.
    public var layers: Int
    /// The number of hidden units of each layer.
    public var hiddenSize: Int
    /// The number of features of an embedded token.
    public var embeddingSize: Int
    /// The number of tokens.
    public var vocabulary: Int
    /// The probability that a feature between two layers, or before the output layer, is dropped in training.
    public var dropout: Double

    /// What the operands of all products are rounded to, in training as in evaluation and generation.
    public var precision: Precision

    /// A shape; all sizes are positive, `dropout` lies in 0..<1.
    public init(
        cell: CellKind, layers: Int, hiddenSize: Int, embeddingSize: Int, vocabulary: Int, dropout: Double = 0,
        precision: Precision = .single
    ) {
        (self.cell, self.layers, self.hiddenSize) = (cell, layers, hiddenSize)
        (self.embeddingSize, self.vocabulary, self.dropout) = (embeddingSize, vocabulary, dropout)
        self.precision = precision
    }
}

/// Embedding, recurrent layers, linear output layer and cross-entropy: a language model.
///
///     var network = LanguageModelNetwork<Float>(shape)
///     network.initializeWeights(seed: 1)
///     let outcomes = network.trainingStep(
///         batch, seed: 1, step: 0, carriedStates: [:], nodes: [ShardRange(0, 8)], sink: &gradients)
///     outcomes[0].loss / Double(outcomes[0].tokens)      // nats a token in the first shard
///
/// The parameters carry the names of a PyTorch module with `embedding = nn.Embedding`, `recurrent = nn.LSTM` (or `GRU`,
/// `RNN`) and `output = nn.Linear`. Gradients and losses are sums over tokens. What a shard yields depends on nothing
/// but the weights, its own sequences and carried state, seed, step and its index.
public struct LanguageModelNetwork<Scalar: KernelScalar>: ~Copyable {
    /// What the network looks like.
    public let shape: LanguageModelShape
    /// The names and places of the parameters.
    public let layout: ParameterLayout
    /// All parameters; after writing to them call ``weightsChanged()``.
    public let weights: Buffer<Scalar>

    var embedding: Embedding<Scalar>
    var recurrent: RecurrentStack<Scalar>
    var outputDropout: Dropout<Scalar>
    var output: Linear<Scalar>
    /// Scratch memory, and the clock of the phases.
    public var workspace: Workspace<Scalar>
    /// `[R, vocabulary]` in training, a block of rows in evaluation.
    var logits = GrowingBuffer<Scalar>()
    /// `[R]`
    var losses = GrowingBuffer<Scalar>()
    /// `[tokens of each shard, embeddingSize]`
    var embeddingGradients = GrowingBuffer<Scalar>()
    private var forwardIsPacked = false
    private var backwardIsPacked = false

    /// A network whose weights are all zero.
    public init(_ shape: LanguageModelShape) { self.init(shape, hasWeights: true) }

    /// - Parameter hasWeights: whether memory is taken for weights; without it only the layout can be used.
    private init(_ shape: LanguageModelShape, hasWeights: Bool) {
        var layout = ParameterLayout()
        embedding = Embedding(
            appendingTo: &layout, prefix: "embedding.", vocabulary: shape.vocabulary, size: shape.embeddingSize)
        recurrent = RecurrentStack(
            appendingTo: &layout, prefix: "recurrent.", cell: shape.cell, layers: shape.layers,
            inputSize: shape.embeddingSize, hiddenSize: shape.hiddenSize, dropout: shape.dropout,
            precision: shape.precision)
        outputDropout = Dropout(probability: shape.dropout, layer: shape.layers - 1)
        output = Linear(
            appendingTo: &layout, prefix: "output.", inputSize: shape.hiddenSize, outputSize: shape.vocabulary,
            precision: shape.precision)
        workspace = Workspace(precision: shape.precision)
        weights = Buffer(count: hasWeights ? layout.count : 0)
        (self.shape, self.layout) = (shape, layout)
    }

    /// The layout that a network of this shape has.
    public static func layout(_ shape: LanguageModelShape) -> ParameterLayout {
        LanguageModelNetwork(shape, hasWeights: false).layout
    }

    /// The numbers of carried state that one sequence has.
    public var stateSize: Int { recurrent.stateSize }

    /// Sets the weights as PyTorch would: embedding from the standard normal distribution, recurrent layers uniform in
    /// ±1/√hidden, output layer in ±1/√inputs.
    @specialized(where Scalar == Float)
    public mutating func initializeWeights(seed: UInt64) {
        let initial = InitialWeights(seed: seed)
        let bound = 1 / Float(shape.hiddenSize).squareRoot()
        for (index, tensor) in layout.tensors.enumerated() {
            let values =
                index == embedding.tensor
                ? initial.normal(count: tensor.count, tensor: index)
                : initial.uniform(count: tensor.count, bound: bound, tensor: index)
            layout.matrix(ofTensor: index, in: weights).copy(from: values.map(Scalar.init)[...])
        }
        weightsChanged()
    }

    /// Says that ``weights`` were written to: they are packed again before they are used next.
    public mutating func weightsChanged() { (forwardIsPacked, backwardIsPacked) = (false, false) }

    /// Packs the weights that a forward pass, and if asked for a backward pass, needs.
    mutating func packWeights(forBackward: Bool) {
        workspace.clock.enter(.packingWeights)
        if !forwardIsPacked {
            recurrent.packForward(layout, weights)
            output.packForward(layout, weights)
            forwardIsPacked = true
        }
        if forBackward && !backwardIsPacked {
            recurrent.packBackward(layout, weights)
            output.packBackward(layout, weights)
            backwardIsPacked = true
        }
    }

    /// The layout of a batch's sequences and its tokens.
    func pack(_ batch: SequenceBatch) -> (sequences: PackedSequences, tokens: DistinctTokens, targets: [Int32]) {
        let sequences = PackedSequences(
            shards: batch.shards.map(\.shard), lengths: batch.shards.map { $0.inputs.map(\.count) })
        let tokens = DistinctTokens(
            packed: sequences.pack(batch.shards.map(\.inputs)), sequences: sequences, vocabulary: shape.vocabulary)
        let targets = sequences.pack(batch.shards.map(\.targets))
        precondition(targets.allSatisfy { $0 < shape.vocabulary }, "a target beyond the vocabulary")
        return (sequences, tokens, targets)
    }

    /// Each shard's carried state, in the order of the batch.
    func carried(_ states: [Int: [Scalar]], _ sequences: PackedSequences) -> [[Scalar]] {
        zip(sequences.shards, sequences.positions).map { shard, positions in
            let state = states[shard] ?? []
            precondition(
                state.isEmpty || state.count == stateSize * positions.count,
                "shard \(shard) carries \(state.count) numbers, not \(stateSize * positions.count)")
            return state
        }
    }
}

/// What a pass over one shard gave.
public struct ShardOutcome<Scalar: KernelScalar>: Sendable {
    /// The shard's index.
    public var shard: Int
    /// The sum of the losses of all tokens in nats.
    public var loss: Double
    /// The number of positions with a target.
    public var tokens: Int
    /// The states after the last time step: see ``CarriedState``.
    public var finalState: [Scalar]
}
