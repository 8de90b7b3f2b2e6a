// The parameter server: the shell that drives the coordinator with real sockets, clocks and files.
//
//   workers, clients ──▶ ParameterServer ──▶ Coordinator (who computes what; no I/O)
//                              │
//   partition servers ◀────────┤
//                              ├── PartitionSet        all parameters, wherever they are
//                              │     ├── ParameterPartition   those here: sums of gradients, Adam, weights out
//                              │     └── PartitionLink × N    those of partition servers
//                              ├── CarriedStates       hidden states between steps, the authoritative copy
//                              ├── SnapshotStore       immutable copies for clients
//                              └── CheckpointKeeper    the run's directory
//
// One thread does all of it, in the order in which messages come in; ZeroMQ's own thread moves bytes beside it.

import Checkpoints
import Configuration
import Messaging

/// What a server is told at its start.
public struct ServerOptions: Sendable {
    /// The run's configuration.
    public var configuration: RunConfiguration
    /// Where to listen.
    public var endpoint: Endpoint
    /// The run's directory.
    public var output: String
    /// Whether a run in that directory is continued; otherwise one that is there is an error.
    public var resumes: Bool
    /// Whether a run that is continued may go on with other values of keys that alter the steps to come.
    public var acceptsChanges: Bool
    /// The first step waits for this many workers, for a moment.
    public var expectedWorkers: Int
    /// Whether these workers run on this machine, so that its memory is for all of them.
    public var hostsWorkers: Bool
    /// Whether to listen on other interfaces than loopback without keys.
    public var isInsecure: Bool
    /// Encrypts all connections and lets the owners of listed keys in; `nil` for plain text.
    public var keys: ServerKeys?
    /// An inherited socket that listens at the endpoint already; `nil` to open one.
    public var listener: Int32?
    /// Where partition servers wait, each for a part of the parameters. Workers reach them by the same endpoints.
    public var partitionServers: [Endpoint]
    /// A file to write the endpoint into once the server listens: how a supervisor learns a free port.
    public var endpointFile: String?
    /// How long the server goes on without any worker.
    public var patienceSeconds: Double

    /// Options.
    public init(
        configuration: RunConfiguration, endpoint: Endpoint, output: String, resumes: Bool = false,
        acceptsChanges: Bool = false, expectedWorkers: Int = 1, hostsWorkers: Bool = false, isInsecure: Bool = false,
        keys: ServerKeys? = nil, listener: Int32? = nil, partitionServers: [Endpoint] = [],
        endpointFile: String? = nil, patienceSeconds: Double = 600
    ) {
        self.listener = listener
        self.patienceSeconds = patienceSeconds
        self.configuration = configuration
        self.endpoint = endpoint
        self.output = output
        self.resumes = resumes
        self.acceptsChanges = acceptsChanges
        self.expectedWorkers = expectedWorkers
        self.hostsWorkers = hostsWorkers
        self.isInsecure = isInsecure
        self.keys = keys
        self.partitionServers = partitionServers
        self.endpointFile = endpointFile
    }
}

/// Why a server could not start or go on.
public enum ServerError: Error, CustomStringConvertible {
    /// What was asked for is not allowed.
    case usage(String)
    /// The directory holds another run, or one that was not to be continued.
    case directory(String)
    /// The corpus cannot be used.
    case data(String)
    /// The endpoint cannot be had.
    case endpoint(String)
    /// The training itself failed (a loss that is not finite).
    case training(String)
    /// A partition server was lost, and with it a part of the weights: the next life begins at the newest checkpoint.
    case partition(String)
    /// Nobody came for as long as the options' patience; a checkpoint was written.
    case abandoned(String)
    /// The process was asked to end before there was a run.
    case interrupted(String)
    /// The disk does not let a run go on that is there: full, over quota, or read-only. A later start may find it
    /// better.
    case storage(String)
    /// The disk, or something that should not happen.
    case system(String)

    /// The exit code of a program that ends for this reason.
    public var exitCode: Int {
        switch self {
        case .usage, .directory: 64
        case .data: 65
        case .endpoint, .abandoned: 69
        case .training, .system: 70
        case .storage: 74
        case .partition: RunEnding.resumedExitCode
        case .interrupted: 130
        }
    }

    /// One line that says what was wrong and what to do.
    public var description: String {
        switch self {
        case .usage(let text), .directory(let text), .data(let text), .endpoint(let text), .training(let text),
            .partition(let text), .abandoned(let text), .interrupted(let text), .storage(let text),
            .system(let text):
            text
        }
    }
}

/// How a server's run ended.
public enum ServerEnd: Sendable, Equatable {
    /// All steps are done.
    case completed
    /// Stopped on request after a checkpoint.
    case stopped
}
