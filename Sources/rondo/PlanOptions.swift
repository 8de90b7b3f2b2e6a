// What `rondo train` and `rondo check` are both asked for.

import ArgumentParser
import Configuration
import Preflight
import Supervisor

/// The options that say what is to be run. Both commands have the same, so that a check is of the start itself.
struct PlanOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The run's configuration, a YAML file.", valueName: "config"))
    var configurationPath: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How many workers to start. (default: 2, or 1 on a single core)", valueName: "n"))
    var workers: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many server processes share the parameters; any number gives the same bits.", valueName: "n"))
    var partitions = 1

    @Option(
        help: ArgumentHelp("The run's directory. (default: runs/ and the configuration's name)", valueName: "dir"))
    var output: String?

    @Flag(
        help: ArgumentHelp(
            "Let the run in the directory go on with another training.adam.*, training.clip or model.dropout, from its "
                + "newest sound checkpoint and on record."))
    var acceptChanges = false

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of the configuration, such as training.adam.rate=0.01.", valueName: "key=value"))
    var overrides: [String] = []

    /// The request, with the directory looked at.
    ///
    /// - Returns: what is to be run, what has to be done for it, and why the run in the directory cannot go on.
    /// - Throws: `ProgramFailure` with all that is wrong with configuration and options.
    func request() throws -> (request: RunRequest, plan: RunPlan, problems: [Finding]) {
        let workers = workers ?? Executables.defaultWorkers
        let run = try configuration(workers)
        var request = RunRequest(
            configuration: run, output: output ?? TrainingRequest.defaultOutput(configurationPath: configurationPath),
            workers: workers, partitions: partitions, configurationPath: configurationPath)
        do throws(ProgramFailure) {
            let plan = try RunPlan.decide(output: request.output, configuration: run, acceptsChanges: acceptChanges)
            request.resumes = plan.resumes
            return (request, plan, [])
        } catch {
            return (request, .start, [Finding(.usage, error.description)])
        }
    }

    /// The configuration, if the numbers of processes are possible as well.
    private func configuration(_ workers: Int) throws(ProgramFailure) -> RunConfiguration {
        var problems: [String] = []
        if !(1...1024).contains(workers) {
            problems.append("--workers \(workers): expected a number from 1 to 1024")
        }
        if !(1...256).contains(partitions) {
            problems.append("--partitions \(partitions): expected a number from 1 to 256")
        }
        var run: RunConfiguration?
        do {
            run = try RunConfiguration(file: configurationPath, overrides: overrides)
        } catch {
            problems += error.lines
        }
        guard let run, problems.isEmpty else { throw ProgramFailure(.usage, all: problems) }
        return run
    }
}
