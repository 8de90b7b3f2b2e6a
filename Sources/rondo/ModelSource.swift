// Where a command takes its model from.

import ArgumentParser
import Checkpoints
import Client
import Inference
import Messaging
import Supervisor

/// `--checkpoint DIR` or `--server RUN`.
struct ModelSource: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A checkpoint, or the directory of a run, of which the newest is taken.", valueName: "dir"))
    var checkpoint: String?

    @Option(
        help: ArgumentHelp(
            "A run that goes on, by its directory or its server's endpoint: its present weights are taken.",
            valueName: "run"))
    var server: String?

    @OptionGroup var keys: ClientKeyOptions

    @OptionGroup var adoption: AdoptionOption

    mutating func validate() throws {
        guard (checkpoint == nil) != (server == nil) else {
            throw ValidationError("Give either --checkpoint DIR or --server RUN")
        }
    }

    /// Loads the model.
    func load() throws -> LoadedModel {
        if let server {
            let address = try RunAddress.find(server, keys: keys)
            let snapshot = try ServerClient(address.endpoint, keys: address.keys).snapshot()
            return try LoadedModel(
                configuration: snapshot.configuration, record: snapshot.record, tokenizer: snapshot.tokenizer,
                weights: snapshot.weights)
        }
        return try CheckpointSource.load(checkpoint ?? "", adoptsWeights: adoption.adoptsWeights)
    }
}

/// `--adopt-weights`.
struct AdoptionOption: ParsableArguments {
    @Flag(
        name: .customLong("adopt-weights"),
        help: ArgumentHelp(
            "Take the weights of --checkpoint although they were changed since they were written; names, shapes, types "
                + "and values are checked."))
    var adoptsWeights = false
}

/// `--checkpoint DIR`.
enum CheckpointSource {
    private static let advice = "; if they were changed on purpose, add --adopt-weights"

    /// Loads the model, and says what is wrong with newer checkpoints that were passed over.
    static func load(_ path: String, adoptsWeights: Bool) throws -> LoadedModel {
        let opened: OpenedCheckpoint
        do {
            opened = try CheckpointFolder.open(path: path, for: adoptsWeights ? .inferenceOfChangedWeights : .inference)
        } catch {
            throw ProgramFailure(.badData, "\(error)\(error.areWeightsChanged ? Self.advice : "")")
        }
        for warning in opened.warnings { StandardError.line("rondo: \(warning)") }
        let model = try LoadedModel(opened.folder)
        guard opened.adopted.isEmpty || model.weightsAreFinite else {
            throw ProgramFailure(
                .badData, "\(opened.folder.path)/\(CheckpointFile.model): holds a weight that is not a finite number")
        }
        return model
    }
}
