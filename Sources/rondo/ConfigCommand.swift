// rondo config: a configuration with all defaults filled in.

import ArgumentParser
import Configuration
import Supervisor

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Print a configuration with all defaults filled in.",
        discussion: "What is printed is a configuration of the same run: it can be saved and trained.")

    @Argument(help: ArgumentHelp("The run's configuration, a YAML file.", valueName: "config"))
    var configurationPath: String

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of the configuration, such as training.adam.rate=0.01.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Print JSON, as a run's directory has it.")
    var json = false

    mutating func run() throws {
        let run = try RunConfiguration(file: configurationPath, overrides: overrides)
        guard json else { return try StandardOutput.write(run.yaml()) }
        try StandardOutput.line(String(decoding: run.json(), as: UTF8.self))
    }
}
