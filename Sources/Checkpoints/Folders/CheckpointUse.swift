// What a checkpoint is opened for: which of its files must be there, and be what was written.

/// The files of a checkpoint that a use needs. The others are not read and may be missing or damaged.
///
///     let opened = try CheckpointFolder.open(path: "runs/kjv", for: .inference)
public struct CheckpointUse: Equatable, Sendable {
    /// The files that are verified; nil for all that the manifest names.
    let files: Set<String>?
    /// Those of them that may have been changed since they were written.
    let adopted: Set<String>

    /// Going on with the training, or proving what was done: every file.
    public static let training = CheckpointUse(files: nil, adopted: [])
    /// Sampling, evaluating and scoring: weights, configuration and vocabulary.
    public static let inference = CheckpointUse(files: inferenceFiles, adopted: [])
    /// The same with weights that somebody changed on purpose.
    public static let inferenceOfChangedWeights = CheckpointUse(files: inferenceFiles, adopted: [CheckpointFile.model])

    private static let inferenceFiles: Set = [CheckpointFile.model, CheckpointFile.run, CheckpointFile.tokenizer]

    /// Whether this use looks at a file.
    func needs(_ file: String) -> Bool { files?.contains(file) ?? true }
}
