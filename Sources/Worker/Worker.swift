// The worker: the shell that drives the worker's session with a real socket, clock and network.
//
//   server ◀──▶ ServerConnection ──▶ WorkerSession (what to do next; no I/O)
//                     ▲                    │
//                     │                    ▼
//               GradientSender ◀── TrainingWorker ──▶ LanguageModelNetwork (one thread computes)
//   server ◀──▶ Heartbeat, on a connection and a thread of its own
//
// A worker knows nothing but the server's endpoint: configuration, vocabulary, data and weights come from there.

import Messaging

/// What a worker is told at its start.
public struct WorkerOptions: Sendable {
    /// Where the server listens.
    public var endpoint: Endpoint
    /// The worker's name in status reports; a restarted worker of the same name replaces the one before.
    public var name: String
    /// Folders below which the worker opens files that the server names, if their content is that of the run.
    public var dataDirectories: [String]
    /// How long to go on without any sign of life from the server.
    public var patienceSeconds: Double
    /// The worker's part in encryption; `nil` for none.
    public var keys: CurveRole?
    /// Whether gradients and weights lie in memory that servers of this machine and this worker both see.
    public var sharesMemory: Bool
    /// Sleeps instead of computing, if given.
    public var simulated: SimulatedComputation?

    /// Options.
    public init(
        endpoint: Endpoint, name: String, dataDirectories: [String] = [], patienceSeconds: Double = 60,
        keys: CurveRole? = nil, sharesMemory: Bool = true, simulated: SimulatedComputation? = nil
    ) {
        self.keys = keys
        self.sharesMemory = sharesMemory
        self.simulated = simulated
        self.endpoint = endpoint
        self.name = name
        self.dataDirectories = dataDirectories
        self.patienceSeconds = patienceSeconds
    }
}

/// Why a worker ended before the run did.
public enum WorkerError: Error, CustomStringConvertible {
    /// The server does not answer, or refuses this worker.
    case unreachable(String)
    /// The data that came are not those of the run.
    case data(String)
    /// The run failed.
    case training(String)
    /// The disk does not take the data.
    case storage(String)
    /// Something that should not happen.
    case system(String)

    /// One line that says what was wrong and what to do.
    public var description: String {
        switch self {
        case .unreachable(let text), .data(let text), .training(let text), .storage(let text), .system(let text): text
        }
    }
}
