// What a run is told to do: the whole configuration, read from YAML with overrides, or from the JSON of a run.

/// Everything that decides the result of a run, read from a YAML file and `--set` overrides.
///
/// The configuration is a value: it knows its keys, their defaults and their limits, and nothing of files, clusters or
/// arithmetic. A missing key takes its default; an unknown key, a wrong type or a value out of range is a
/// ``ConfigurationError`` that names file, line and key.
///
///     let run = try RunConfiguration(
///         yaml: "{task: language-model, data: {train: corpus.txt}}", file: "run.yaml",
///         overrides: ["training.adam.rate=0.01"])
///     run.training.adam.rate   // 0.01
///     run.model.hidden         // 256, the default
public struct RunConfiguration: Sendable, Equatable, Encodable {
    /// What the network learns to do.
    public var task: TaskKind
    /// Which text is read, and how it becomes tokens.
    public var data: DataConfiguration
    /// The shape of the network.
    public var model: ModelConfiguration
    /// How the network is trained.
    public var training: TrainingConfiguration
    /// How often the run is saved.
    public var checkpoints: CheckpointConfiguration

    /// The longest text of a configuration that is read, in bytes.
    public static let bytesMax = ConfigurationTree.bytesMax

    enum CodingKeys: String, CodingKey, CaseIterable {
        case task, data, model, training, checkpoints
    }

    /// Creates a configuration from its sections, without the checks that reading makes.
    public init(
        task: TaskKind = .languageModel, data: DataConfiguration, model: ModelConfiguration = ModelConfiguration(),
        training: TrainingConfiguration = TrainingConfiguration(),
        checkpoints: CheckpointConfiguration = CheckpointConfiguration()
    ) {
        self.task = task
        self.data = data
        self.model = model
        self.training = training
        self.checkpoints = checkpoints
    }

    /// Reads a configuration.
    ///
    /// - Parameters:
    ///   - yaml: the text of the file, at most ``bytesMax`` bytes.
    ///   - file: the name that errors call the text by.
    ///   - overrides: `KEY=VALUE` with dotted keys, as given to `--set`; the last one for a key wins.
    /// - Throws: the first problem, with all others in its ``ConfigurationError/others``.
    public init(yaml: String, file: String, overrides: [String] = []) throws(ConfigurationError) {
        let problems = ConfigurationProblems()
        var tree = try ConfigurationTree(yaml: yaml, file: file, problems: problems)
        for override in overrides {
            do throws(ConfigurationError) { try tree.apply(override: override) } catch { problems.note(error) }
        }
        try self.init(tree: tree, problems: problems)
    }

    /// Reads all sections from a tree and makes the checks that concern several keys.
    ///
    /// - Parameter problems: what is known to be wrong already.
    init(
        tree: ConfigurationTree, problems: ConfigurationProblems = ConfigurationProblems()
    ) throws(ConfigurationError) {
        let root = SectionReader(tree: tree, keys: CodingKeys.self, problems: problems)
        task = root.choice("task", default: .languageModel, isRequired: true)
        data = DataConfiguration(from: root.section("data", keys: DataConfiguration.CodingKeys.self))
        model = ModelConfiguration(from: root.section("model", keys: ModelConfiguration.CodingKeys.self), task: task)
        let trainingSection = root.section("training", keys: TrainingConfiguration.CodingKeys.self)
        training = TrainingConfiguration(from: trainingSection, shape: data.shape)
        checkpoints = CheckpointConfiguration(
            from: root.section("checkpoints", keys: CheckpointConfiguration.CodingKeys.self))
        // Sizes are multiplied: all must be within their limits.
        try problems.refuse()
        if let conflict = sizeConflict { trainingSection.noteConflict(conflict.key, conflict.explanation) }
        try problems.refuse()
    }
}

/// What a network learns to do.
public enum TaskKind: String, Sendable, Equatable, Codable, CaseIterable {
    /// Predicts each token of a text from those before it.
    case languageModel = "language-model"
}
