// Module Preflight: what is known of a run before any process is started.
//
//     RunRequest ──▶ RequestCheck.findings     everything that is wrong at once, in milliseconds; before every start
//          │
//          └───────▶ RunForecast               the same with the whole text read, and numbers: for `rondo check`
//                       ├── RunSize            parameters and memory (module Tasks)
//                       ├── TextInspection     tokens, symbols, lines (module Corpora)
//                       └── SpeedMeasurement   a few steps of the real network at the real shape
//
//     StarterConfiguration                     a first configuration for a text: for `rondo init`
//
// It reads files and measures; it writes nothing and starts nothing. It must never know how a command prints.

import Configuration

/// What somebody wants to run.
public struct RunRequest: Sendable {
    /// The configuration, with overrides applied.
    public var configuration: RunConfiguration
    /// The run's directory.
    public var output: String
    /// How many workers there will be.
    public var workers: Int
    /// How many processes share the parameters.
    public var partitions: Int
    /// Whether workers and partition servers run on this machine, too.
    public var isWhollyHere: Bool
    /// Whether a run in that directory goes on.
    public var resumes: Bool
    /// The file that the configuration was read from, for advice on paths.
    public var configurationPath: String?

    /// A request.
    public init(
        configuration: RunConfiguration, output: String, workers: Int, partitions: Int = 1, isWhollyHere: Bool = true,
        resumes: Bool = false, configurationPath: String? = nil
    ) {
        self.configuration = configuration
        self.output = output
        self.workers = workers
        self.partitions = partitions
        self.isWhollyHere = isWhollyHere
        self.resumes = resumes
        self.configurationPath = configurationPath
    }
}

/// Something that was found before the start.
public struct Finding: Sendable, Equatable {
    /// What it means for the run.
    public enum Kind: String, Sendable, Equatable, Encodable {
        /// The configuration or the command line asks for what cannot be.
        case usage
        /// The data cannot be used.
        case data
        /// The port cannot be had.
        case port
        /// The run can start, but somebody should know.
        case note
    }

    /// What it means.
    public var kind: Kind
    /// One line: what is wrong, and what to do.
    public var text: String

    /// A finding.
    public init(_ kind: Kind, _ text: String) { (self.kind, self.text) = (kind, text) }
}
