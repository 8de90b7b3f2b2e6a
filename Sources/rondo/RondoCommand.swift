// The command that people use.

import ArgumentParser
import Client
import Inference
import Supervisor

@main
struct RondoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rondo", abstract: "Trains recurrent networks on many processes, and uses what they learnt.",
        discussion: "rondo --version shows the version.",
        subcommands: [
            InitCommand.self, CheckCommand.self, ConfigCommand.self, TrainCommand.self, SampleCommand.self,
            EvaluateCommand.self, ScoreCommand.self, PullCommand.self,
            StatusCommand.self, MonitorCommand.self, AuditCommand.self, KeygenCommand.self,
        ])

    static func main() {
        Program("rondo").run(RondoCommand.self) { error in
            switch error {
            case InferenceError.request: .usage
            case InferenceError.data: .badData
            case InferenceError.storage: .storage
            case let error as ClientError: error.exitStatus
            default: .internalError
            }
        }
    }

    mutating func run() throws { throw CleanExit.helpRequest(self) }
}

extension ClientError {
    var exitStatus: ExitStatus {
        switch self {
        case .invalidEndpoint, .refused, .output: .usage
        case .nobodyListens, .unreachable, .otherProtocol, .noAnswer, .keys: .unreachable
        case .storage: .storage
        case .malformed, .system: .internalError
        }
    }
}
