// Module Supervisor: a whole cluster on one machine, and how our programs behave towards their users.
//
//     RunPlan ─── start, resume, or nothing left to do?
//        │
//        ▼
//     RunSupervisor ──▶ ManagedChild: rondo-server         a pipe as standard input ties each to this process;
//        │         ├──▶ ManagedChild: rondo-server --partition × (partitions − 1)
//        │         └──▶ ManagedChild: rondo-worker × N     what they say goes to OUTPUT/logs
//        │
//        ├── RestartCounter    how often a child may die in a row without progress
//        ├── StatusFeed        what the server says of the run (module Client)
//        └── ProgressDisplay   a bar on a terminal, now and then a line elsewhere
//
// Processes/     children and their logs
// Display/       progress, summaries, numbers for people
// CommandLine/   exit codes, standard streams, the log's lines: what the three executables have in common
//
// The supervisor computes nothing and knows no weights. All that it holds can be lost: a run that was killed together
// with its supervisor goes on when the same command is given again.

import Configuration

/// What `rondo train` is asked for.
public struct TrainingRequest: Sendable {
    /// The configuration, with overrides applied.
    public var configuration: RunConfiguration
    /// The run's directory.
    public var output: String
    /// How many workers to start.
    public var workers: Int
    /// How many server processes share the parameters.
    public var partitions: Int
    /// Whether a run that is there may go on with other values of keys that alter the steps to come.
    public var acceptsChanges: Bool
    /// Whether other users may read the run's directory, as the umask says.
    public var isShared: Bool
    /// The folder with `rondo-server` and `rondo-worker`.
    public var executables: String

    /// A request.
    public init(
        configuration: RunConfiguration, output: String, workers: Int, partitions: Int = 1,
        acceptsChanges: Bool = false, isShared: Bool = false, executables: String
    ) {
        self.configuration = configuration
        self.output = output
        self.workers = workers
        self.partitions = partitions
        self.acceptsChanges = acceptsChanges
        self.isShared = isShared
        self.executables = executables
    }

    /// The run's directory if none is named: `runs/` and the configuration's file name without its extension;
    /// `runs/run` for one that came through a pipe.
    public static func defaultOutput(configurationPath: String) -> String {
        let isStream = configurationPath == "-" || ["/dev/", "/proc/"].contains { configurationPath.hasPrefix($0) }
        return "runs/" + (isStream ? "run" : defaultName(configurationPath))
    }

    /// The name of a file without its folder and its extension.
    public static func defaultName(_ path: String) -> String {
        var name = path.split(separator: "/").last.map(String.init) ?? "run"
        if let dot = name.lastIndex(of: "."), dot != name.startIndex { name = String(name[..<dot]) }
        return name
    }
}
