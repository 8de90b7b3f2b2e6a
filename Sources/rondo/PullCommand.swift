// rondo pull: a snapshot of a running server as a checkpoint.

import ArgumentParser
import Checkpoints
import Client
import Messaging
import Supervisor

struct PullCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Write the weights of a running server into a checkpoint directory.")

    @OptionGroup var target: RunTarget

    @Option(help: ArgumentHelp("The directory to write; an older checkpoint there is replaced.", valueName: "dir"))
    var output: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("newest, best, or the number of a step that has a checkpoint.", valueName: "version"))
    var version = "newest"

    mutating func run() throws {
        Interruption.endsProgram()
        let address = try target.address()
        let client = try ServerClient(address.endpoint, keys: address.keys)
        let snapshot = try client.snapshot(try choice())
        let folder = try snapshot.write(to: output)
        let record = snapshot.record
        var text = "step \(record.step) of \(record.totalSteps)"
        if let loss = record.validationLoss { text += ", validation \(Readable.loss(loss)) nats a token" }
        StandardOutput.report(
            "\(output): \(text)\n"
                + "model.safetensors SHA-256 \(folder.manifest.files[CheckpointFile.model]?.sha256 ?? "")\n")
    }

    private func choice() throws -> SnapshotChoice {
        switch version {
        case "newest": return .newest
        case "best": return .best
        default:
            guard let step = Int(version), step >= 0 else {
                throw ProgramFailure(.usage, "--version \(version): expected newest, best, or the number of a step")
            }
            return .version(step)
        }
    }
}
