// The section `model`: the shape of the network.

/// The shape of the network.
public struct ModelConfiguration: Sendable, Equatable, Codable {
    /// The recurrent cell of every layer.
    public var cell: CellKind
    /// The non-linearity of an Elman cell; the other cells have theirs fixed and ignore it.
    public var activation: ActivationKind
    /// The number of recurrent layers.
    public var layers: Int
    /// The size of a layer's hidden state.
    public var hidden: Int
    /// The size of a token's vector.
    public var embedding: Int
    /// The probability with which an activation between layers is dropped, at least 0 and below 1.
    public var dropout: Double
    /// Whether each layer also reads the sequence from its end.
    public var bidirectional: Bool

    enum CodingKeys: String, CodingKey, CaseIterable {
        case cell, activation, layers, hidden, embedding, dropout, bidirectional
    }

    /// Creates the section.
    public init(
        cell: CellKind = .lstm, activation: ActivationKind = .tanh, layers: Int = 2, hidden: Int = 256,
        embedding: Int = 64, dropout: Double = 0, bidirectional: Bool = false
    ) {
        self.cell = cell
        self.activation = activation
        self.layers = layers
        self.hidden = hidden
        self.embedding = embedding
        self.dropout = dropout
        self.bidirectional = bidirectional
    }

    init(from section: SectionReader, task: TaskKind) {
        cell = section.choice("cell", default: .lstm)
        activation = section.choice("activation", default: .tanh)
        layers = section.integer("layers", default: 2, in: 1...64)
        hidden = section.integer("hidden", default: 256, in: 1...65_536)
        embedding = section.integer("embedding", default: 64, in: 1...65_536)
        dropout = section.number("dropout", default: 0, in: .from(0, below: 1))
        bidirectional = section.boolean("bidirectional", default: false)
        if cell != .elman && activation != .tanh {
            section.noteConflict(
                "activation", with: ["model.cell"],
                "can be chosen for cell elman only, but model.cell is \(cell.rawValue)")
        }
        if bidirectional && task == .languageModel {
            section.noteConflict(
                "bidirectional", with: ["task"],
                "must be false for task language-model: a backward direction would read the tokens to be predicted")
        }
    }
}

/// A recurrent cell.
public enum CellKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// The simple recurrent network of Elman (1990).
    case elman
    /// Long short-term memory, as PyTorch has it.
    case lstm
    /// The gated recurrent unit, as PyTorch has it.
    case gru
}

/// The non-linearity of an Elman cell.
public enum ActivationKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// The hyperbolic tangent.
    case tanh
    /// The larger of the value and zero.
    case relu
}
