// The parameter server's command line.

import ArgumentParser
import Configuration
import Logging
import Messaging
import Platform
import Preflight
import Server
import Supervisor

@main
struct ServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rondo-server", abstract: "Holds the weights of one run and serves its workers and clients.",
        discussion: """
            Ends with the run, or after a checkpoint at Ctrl-C, SIGTERM, or the signals of a closed terminal or of a \
            batch system. Workers connect with rondo-worker. \
            Several servers can share the weights: all but one are started with --partition, and the one that has the \
            configuration is told where they are with --partition-server.
            """)

    @Argument(help: ArgumentHelp("The run's configuration, a YAML file.", valueName: "config"))
    var configurationPath: String?

    @Flag(help: "Wait for another server, and hold a part of the parameters for it. Needs no configuration.")
    var partition = false

    @Option(
        name: .customLong("partition-server"), parsing: .singleValue,
        help: ArgumentHelp(
            "Where a server with --partition listens, as workers reach it; once for each.",
            valueName: "tcp://HOST:PORT"))
    var partitionServers: [String] = []

    @Option(help: ArgumentHelp("Where to listen; a port of * is a free one.", valueName: "tcp://HOST:PORT"))
    var bind = "tcp://127.0.0.1:5555"

    @Option(
        help: ArgumentHelp("The run's directory. (default: runs/ and the configuration's name)", valueName: "dir"))
    var output: String?

    @Flag(help: "Continue the run in that directory from its newest checkpoint, if there is one.")
    var resume = false

    @Flag(help: "Continue it with another rate, clip or other key that alters the steps to come, on record.")
    var acceptChanges = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The first step waits a moment for so many workers.", valueName: "n"))
    var workers = 1

    @Option(
        help: ArgumentHelp(
            "Encrypt all connections; the server's key: NAME.key of 'rondo keygen NAME'.", valueName: "file"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "The public keys of workers and clients that may come in, one a line. Needed with --key.",
            valueName: "file"))
    var allow: String?

    @Flag(help: "Listen beyond this machine without encryption, on a network that you trust.")
    var insecure = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long to go on without any worker (with --partition: without a server that needs it); then a "
                + "checkpoint is written and the program ends with code 69.", valueName: "seconds"))
    var patience = 600.0

    @Option(help: ArgumentHelp("Write the endpoint into this file once the server listens.", valueName: "file"))
    var endpointFile: String?

    @Flag(help: "Let other users read the run's directory, as the umask says. Otherwise it is closed to them.")
    var shared = false

    @Flag(help: "End when standard input does: for a parent that must not be outlived.")
    var supervised = false

    @Option(
        help: ArgumentHelp(
            "An inherited descriptor that listens at --bind already: for a parent that keeps the port.",
            valueName: "descriptor"))
    var listener: Int32?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of the configuration, such as training.adam.rate=0.01.", valueName: "key=value"))
    var overrides: [String] = []

    static func main() {
        Program("rondo-server").run(ServerCommand.self) { error in
            (error as? ServerError).flatMap { ExitStatus(rawValue: Int32($0.exitCode)) } ?? .internalError
        }
    }

    mutating func run() throws {
        guard (1...10_000).contains(workers) else {
            throw ProgramFailure(.usage, "--workers \(workers): expected a number of at least 1")
        }
        guard patience.isFinite, patience > 0 else {
            throw ProgramFailure(.usage, "--patience \(patience): expected a number of seconds above 0")
        }
        let endpoint = Endpoint(bind)
        if let problem = endpoint.problem(for: .binding) ?? (endpoint.transport == "inproc" ? "expected tcp://" : nil) {
            throw ProgramFailure(.usage, "--bind \(bind): \(problem)")
        }
        if let listener {
            guard Listener.isListening(listener) else {
                throw ProgramFailure(.usage, "--listener \(listener): expected the descriptor of a listening socket")
            }
        }
        let keys = try serverKeys()
        if partition { return try servePartition(endpoint, keys) }
        guard let configurationPath else {
            throw ProgramFailure(.usage, "Missing expected argument '<config>'; see 'rondo-server --help'")
        }
        let partitionServers = try partitionServers.map { try Self.partitionServer($0, of: endpoint) }
        // Until the run's directory is opened there is nothing to put in order: a text that hangs holds nobody up.
        Interruption.endsProgram()
        let run = try RunConfiguration(file: configurationPath, overrides: overrides)
        let output = output ?? TrainingRequest.defaultOutput(configurationPath: configurationPath)
        // Its supervisor has looked already.
        if !supervised {
            try ProgramFailure.refuse(
                RequestCheck.findings(
                    RunRequest(
                        configuration: run, output: output, workers: workers, partitions: partitionServers.count + 1,
                        isWhollyHere: false, resumes: resume)), program: "rondo-server")
        }
        TerminationSignal.install()
        if supervised { ParentWatch.start() }
        let logger = LineLogHandler.logger("rondo-server")
        if shared {
            FilePrivacy.share()
        } else if let warning = FilePrivacy.close(runDirectory: output) {
            logger.warning("\(warning)")
        }
        if keys == nil {
            logger.warning(
                "without keys: everybody who reaches \(endpoint), other users of this machine too, can change the run")
        }
        let options = ServerOptions(
            configuration: run, endpoint: endpoint, output: output, resumes: resume, acceptsChanges: acceptChanges,
            expectedWorkers: workers, hostsWorkers: supervised, isInsecure: insecure, keys: keys, listener: listener,
            partitionServers: partitionServers,
            endpointFile: endpointFile, patienceSeconds: patience)
        switch try ParameterServer.serve(options, logger: logger) {
        case .completed: return
        case .stopped: throw ExitStatus.interrupted
        }
    }

    private func serverKeys() throws -> ServerKeys? {
        guard (key == nil) == (allow == nil) else {
            throw ProgramFailure(.usage, "Give both --key FILE and --allow FILE, or neither")
        }
        guard let key, let allow else { return nil }
        let list = AllowedKeysFile(allow)
        let allowed = try list.read()
        return ServerKeys(pair: try KeyFiles.pair(key), allowed: allowed) { list.rereadIfChanged() }
    }

    private func servePartition(_ endpoint: Endpoint, _ keys: ServerKeys?) throws {
        guard configurationPath == nil, output == nil, overrides.isEmpty, partitionServers.isEmpty, !resume else {
            throw ProgramFailure(
                .usage,
                "--partition: such a server gets everything from the one with the configuration; "
                    + "give nothing else but --bind, --key, --allow, --insecure and --endpoint-file")
        }
        TerminationSignal.install()
        if supervised { ParentWatch.start() }
        let options = PartitionServerOptions(
            endpoint: endpoint, isInsecure: insecure, keys: keys, endpointFile: endpointFile,
            patienceSeconds: patience)
        switch try PartitionServer.serve(options, logger: LineLogHandler.logger("rondo-server")) {
        case .completed: return
        case .stopped: throw ExitStatus.interrupted
        }
    }

    /// An endpoint as the workers are told it: it must be one that they can connect to.
    private static func partitionServer(_ text: String, of primary: Endpoint) throws -> Endpoint {
        let endpoint = Endpoint(text)
        if let problem = endpoint.problem(for: .connecting) {
            throw ProgramFailure(.usage, "--partition-server \(text): \(problem)")
        }
        guard !endpoint.isWildcard else {
            throw ProgramFailure(
                .usage,
                "--partition-server \(text): that is where it listens; workers need its address, such as "
                    + "tcp://192.0.2.7:\(endpoint.port ?? 5556)")
        }
        if endpoint.isLoopback, !primary.isLoopback {
            StandardError.line(
                "rondo-server: --partition-server \(text): workers on other machines cannot reach that address")
        }
        return endpoint
    }
}
