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
        return try CheckpointSource.load(checkpoint ?? "")
    }
}

/// `--checkpoint DIR`.
enum CheckpointSource {
    /// Loads the model, and says what is wrong with newer checkpoints that were passed over.
    static func load(_ path: String) throws -> LoadedModel {
        let opened: OpenedCheckpoint
        do {
            opened = try CheckpointFolder.open(path: path)
        } catch {
            throw ProgramFailure(.badData, "\(error)")
        }
        for warning in opened.warnings { StandardError.line("rondo: \(warning)") }
        return try LoadedModel(opened.folder)
    }
}
