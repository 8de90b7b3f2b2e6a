// What a run writes to its directory.

import Configuration
import Corpora
import Tasks

/// What a run writes to its directory, in bytes; the ledger and the logs are small beside it.
struct DiskDemand {
    /// The checkpoints that may be kept: the newest ones and the best.
    let checkpointsKept: Int
    /// Those of them that a run of this length ever writes.
    let checkpointsWritten: Int
    /// Prepared data and two checkpoints: with less a run cannot go on, for each is complete before another goes.
    let leastBytes: Double
    /// Prepared data and all checkpoints that are kept, and one that is being written.
    let keptBytes: Double

    init(_ configuration: RunConfiguration, _ size: RunSize, _ text: TextInspection?) {
        let width = (text?.vocabulary ?? 0) > 1 << 16 ? 4.0 : 2
        let lines = configuration.data.shape == .sequences ? 8 * Double(text?.linesOfFile ?? 0) : 0
        let data = width * Double(text?.tokensOfFile ?? 0) + lines
        checkpointsKept = configuration.checkpoints.keep + 1
        leastBytes = data + 2 * size.checkpointBytes
        var written = Double(checkpointsKept)
        if let text, let steps = RunSteps(configuration, text) {
            // Short runs never write as many as they may keep.
            written = min(written, (Double(steps.total) / Double(configuration.checkpoints.every)).rounded(.up) + 1)
        }
        checkpointsWritten = Int(written)
        keptBytes = max(leastBytes, data + (written + 1) * size.checkpointBytes)
    }
}

/// The steps of a run, from what is known of its text.
struct RunSteps: Equatable {
    /// Updates of one pass over the training data.
    let ofEpoch: Int
    /// Updates of the whole run.
    let total: Int
    /// What is learnt from in a pass: tokens of a stream, or lines.
    let examples: Int
    /// Tokens that are predicted in a pass.
    let tokensOfEpoch: Int
    /// What the loss is measured on.
    let validationTokens: Int

    /// - Returns: `nil` if the text is too short for a step.
    init?(_ configuration: RunConfiguration, _ text: TextInspection) {
        let training = configuration.training
        let tokens = text.tokensOfFile
        func kept(_ count: Int) -> Int { TextInspection.learnt(of: count, configuration.data) }
        validationTokens = tokens - kept(tokens)
        switch configuration.data.shape {
        case .stream:
            let lane = max(0, kept(tokens) - 1) / training.batch
            ofEpoch = lane / training.sequence
            examples = kept(tokens)
            tokensOfEpoch = ofEpoch * training.batch * training.sequence
        case .sequences:
            examples = kept(text.linesOfFile)
            ofEpoch = (examples + training.batch - 1) / training.batch
            let learnt = Double(tokens) * (1 - text.cutShare)
            tokensOfEpoch = kept(Int(learnt))
        }
        guard ofEpoch > 0 else { return nil }
        let (steps, overflows) = ofEpoch.multipliedReportingOverflow(by: training.epochs)
        total = min(overflows ? .max : steps, training.steps ?? .max)
    }
}
