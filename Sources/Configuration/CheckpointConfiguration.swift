// The section `checkpoints`: how often the run is saved.

/// How often the run is saved, and how much of it is kept.
public struct CheckpointConfiguration: Sendable, Equatable, Codable {
    /// The number of steps between two checkpoints.
    public var every: Int
    /// The number of newest checkpoints that are kept, beside the best one.
    public var keep: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
        case every, keep
    }

    /// Creates the section.
    public init(every: Int = 500, keep: Int = 3) {
        self.every = every
        self.keep = keep
    }

    init(from section: SectionReader) {
        every = section.integer("every", default: 500, in: 1...TrainingConfiguration.stepsMax)
        keep = section.integer("keep", default: 3, in: 1...1_000_000)
    }
}
