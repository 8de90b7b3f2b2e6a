// The worker's command line.

import ArgumentParser
import Client
import Messaging
import Platform
import Supervisor
import Worker

@main
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rondo-worker", abstract: "Computes for a run, on one core.",
        discussion: """
            Needs nothing but the server's endpoint: configuration, vocabulary, data and weights come from there. \
            Start as many as there are cores, on as many machines as you like; they may come and go at any time.
            """)

    @Option(help: ArgumentHelp("Where the server listens.", valueName: "tcp://HOST:PORT"))
    var connect: String

    @Option(
        help: ArgumentHelp("The name in status reports. (default: the machine's and the process's)", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "A folder below which the run's prepared data may lie on this machine: used if they are the same, else "
                + "they are fetched. May be given more than once. (default: none)",
            valueName: "dir"))
    var data: [String] = []

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long to wait for a server that gives no sign of life.", valueName: "seconds"))
    var patience = 60.0

    @OptionGroup var keys: ClientKeyOptions

    @Flag(
        help: ArgumentHelp(
            "Send gradients and weights through the socket even to servers of this machine, which else read and write "
                + "them in memory that both see."))
    var noSharedMemory = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "For measuring the exchange: sleep instead of computing, this long for all shards of a step, and send "
                + "gradients of zeros. The run learns nothing.", valueName: "seconds"))
    var simulate: Double?

    @Flag(help: "End when standard input does: for a parent that must not be outlived.")
    var supervised = false

    static func main() {
        Program("rondo-worker").run(WorkerCommand.self) { error in
            if error is ClientError { return .usage }
            return switch error as? WorkerError {
            case .unreachable: .unreachable
            case .data: .badData
            case .storage: .storage
            case .training, .system, nil: .internalError
            }
        }
    }

    mutating func run() throws {
        guard patience.isFinite, patience > 0 else {
            throw ProgramFailure(.usage, "--patience \(patience): expected a number of seconds above 0")
        }
        if let simulate {
            guard simulate.isFinite, simulate >= 0 else {
                throw ProgramFailure(.usage, "--simulate \(simulate): expected a number of seconds, at least 0")
            }
        }
        let endpoint = try Endpoint(typed: connect)
        TerminationSignal.install()
        if supervised { ParentWatch.start() }
        let options = WorkerOptions(
            endpoint: endpoint, name: name ?? "\(CurrentProcess.hostName)-\(CurrentProcess.identifier)",
            dataDirectories: data, patienceSeconds: patience, keys: try keys.role(),
            sharesMemory: !noSharedMemory, simulated: simulate.map(SimulatedComputation.init(stepSeconds:)))
        try TrainingWorker(options, logger: LineLogHandler.logger("rondo-worker")).run()
    }
}
