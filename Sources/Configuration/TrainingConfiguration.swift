// The section `training`: how the network is trained.

/// How the network is trained.
public struct TrainingConfiguration: Sendable, Equatable, Codable {
    /// How many times the training text is read.
    public var epochs: Int
    /// The number of steps after which training ends even before its last epoch; `nil` for no limit.
    public var steps: Int?
    /// The lanes or sequences of one global batch.
    public var batch: Int
    /// In a stream: the time steps of truncated back-propagation; for sequences: the longest example, in tokens.
    public var sequence: Int
    /// The fixed slices of the global batch, whatever the number of workers.
    public var shards: Int
    /// The optimizer's settings.
    public var adam: AdamConfiguration
    /// The global norm that gradients are clipped to; 0 for no clipping.
    public var clip: Double
    /// Decides initial weights, dropout and order.
    public var seed: UInt64
    /// How the workers' contributions are combined.
    public var consistency: Consistency
    /// What products are computed in.
    public var precision: PrecisionKind
    /// How often the validation loss is measured.
    public var validate: ValidationInterval

    enum CodingKeys: String, CodingKey, CaseIterable {
        case epochs, steps, batch, sequence, shards, adam, clip, seed, consistency, precision, validate
    }

    /// The length of truncated back-propagation unless the configuration says otherwise.
    public static let defaultStreamSequence = 64
    /// The longest example unless the configuration says otherwise.
    public static let defaultLongestSequence = 512

    /// Creates the section.
    public init(
        epochs: Int = 10, steps: Int? = nil, batch: Int = 32, sequence: Int = defaultStreamSequence, shards: Int = 8,
        adam: AdamConfiguration = AdamConfiguration(), clip: Double = 5, seed: UInt64 = 1,
        consistency: Consistency = .synchronous, precision: PrecisionKind = .single,
        validate: ValidationInterval = .epoch
    ) {
        self.epochs = epochs
        self.steps = steps
        self.batch = batch
        self.sequence = sequence
        self.shards = shards
        self.adam = adam
        self.clip = clip
        self.seed = seed
        self.consistency = consistency
        self.precision = precision
        self.validate = validate
    }

    init(from section: SectionReader, shape: StreamShape) {
        epochs = section.integer("epochs", default: 10, in: 1...1_000_000)
        steps = section.optionalInteger("steps", in: 1...Self.stepsMax)
        batch = section.integer("batch", default: 32, in: 1...1_000_000)
        sequence = section.integer(
            "sequence", default: shape == .stream ? Self.defaultStreamSequence : Self.defaultLongestSequence,
            in: 1...1_000_000)
        // A shard's index shares a word of the random counter with the purpose, so it has 16 bits; far fewer serve.
        shards = section.integer("shards", default: 8, in: 1...Self.shardsMax)
        adam = AdamConfiguration(from: section.section("adam", keys: AdamConfiguration.CodingKeys.self))
        clip = section.number("clip", default: 5, in: .from(0))
        seed = section.seed("seed", default: 1)
        consistency = Consistency(from: section)
        precision = section.choice("precision", default: .single)
        validate = Self.validate(from: section)
        if shards > batch {
            let key = section.value("shards") != nil || section.value("batch") == nil ? "shards" : "batch"
            let explanation = "every shard needs a lane or sequence"
            section.noteConflict(
                key, with: ["training.shards", "training.batch"],
                "\(explanation), but training.shards is \(shards) and training.batch \(batch)")
        }
    }

    static let shardsMax = 4_000
    /// Steps are numbered by 32 bits in the counter of the random numbers.
    static let stepsMax = Int(UInt32.max)

    private static func validate(from section: SectionReader) -> ValidationInterval {
        guard let value = section.value("validate") else { return .epoch }
        if value.plainText == "epoch" || value.quotedText == "epoch" { return .epoch }
        guard let steps = value.integer, (1...stepsMax).contains(steps) else {
            section.noteMismatch("validate", expected: "epoch, or a number of steps from 1 to \(stepsMax)")
            return .epoch
        }
        return .steps(steps)
    }
}

/// The settings of Adam, named as in Kingma and Ba (2015).
public struct AdamConfiguration: Sendable, Equatable, Codable {
    /// The learning rate.
    public var rate: Double
    /// The decay of the first moment.
    public var beta1: Double
    /// The decay of the second moment.
    public var beta2: Double
    /// What is added to the root of the second moment, outside the root.
    public var epsilon: Double

    enum CodingKeys: String, CodingKey, CaseIterable {
        case rate, beta1, beta2, epsilon
    }

    /// Creates the section.
    public init(rate: Double = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) {
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    init(from section: SectionReader) {
        rate = section.number("rate", default: 0.001, in: .above(0))
        beta1 = section.number("beta1", default: 0.9, in: .from(0, below: 1))
        beta2 = section.number("beta2", default: 0.999, in: .from(0, below: 1))
        epsilon = section.number("epsilon", default: 1e-8, in: .above(0))
    }
}

/// What products are computed in, and what travels.
public enum PrecisionKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// Single precision throughout: the same bits on any cluster and any instruction set.
    case single
    /// The operands of products, gradients and weights on their way are rounded to bfloat16; sums, master weights and
    /// the optimizer stay in single precision. The same bits on the same instruction set only.
    case bfloat16
}

/// How often the validation loss is measured.
public enum ValidationInterval: Sendable, Equatable, Codable {
    /// At the end of each epoch.
    case epoch
    /// After every so many steps, and at the end.
    case steps(Int)

    /// Reads the word `epoch` or a number of steps.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let steps = try? container.decode(Int.self) {
            self = .steps(steps)
        } else if try container.decode(String.self) == "epoch" {
            self = .epoch
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "neither epoch nor a number")
        }
    }

    /// Writes the word `epoch` or a number of steps.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .epoch: try container.encode("epoch")
        case .steps(let steps): try container.encode(steps)
        }
    }
}
