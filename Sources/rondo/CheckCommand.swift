// rondo check: what is known of a run before it is started.

import ArgumentParser
import Configuration
import Messaging
import Preflight
import Server
import Supervisor

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Tell what is wrong with a run, and what it takes, before it is started.",
        discussion: """
            Checks configuration, text, memory, open files, disk and directory, all at once, with one line for each \
            problem; then prints parameters, memory, steps and an estimate of the time, for which a few steps are \
            computed. Nothing is written. The exit code is that of 'rondo train': 0 if it would start.
            """)

    @OptionGroup var plan: PlanOptions

    @Option(help: ArgumentHelp("Also whether a server could listen there.", valueName: "tcp://HOST:PORT"))
    var bind: String?

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        Interruption.endsProgram()
        var problems: [Finding] = []
        let request = try plan.request { problems.append(Finding(.usage, $0.description)) }
        if let bind, let finding = PortCheck.finding(try Endpoint(typed: bind)) { problems.append(finding) }
        if let process = RunDirectoryState.livingServer(in: request.output) {
            problems.append(
                Finding(
                    .usage,
                    "\(request.output): a server is running there, with process id \(process); stop it, or choose "
                        + "another --output"))
        }
        var forecast = RunForecast(request)
        let all = problems + forecast.problems
        forecast.findings = all.map { "\($0.kind.rawValue): \($0.text)" }
        if json {
            try StandardOutput.line(JSONLine.encode(forecast, pretty: true))
        } else {
            try StandardOutput.write(ForecastText.lines(forecast, request).joined(separator: "\n") + "\n")
        }
        try ProgramFailure.refuse(all, program: "rondo")
    }
}

/// What `train` and `check` are both asked for.
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

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Override a key of the configuration, such as training.adam.rate=0.01.", valueName: "key=value"))
    var overrides: [String] = []

    /// The request, with the directory looked at.
    ///
    /// - Parameter refused: hears why the run in the directory cannot be continued.
    func request(_ refused: (ProgramFailure) -> Void) throws -> RunRequest {
        let workers = workers ?? Executables.defaultWorkers
        guard (1...1024).contains(workers) else {
            throw ProgramFailure(.usage, "--workers \(workers): expected a number from 1 to 1024")
        }
        guard (1...256).contains(partitions) else {
            throw ProgramFailure(.usage, "--partitions \(partitions): expected a number from 1 to 256")
        }
        let run = try RunConfiguration(file: configurationPath, overrides: overrides)
        let output = output ?? TrainingRequest.defaultOutput(configurationPath: configurationPath)
        var resumes = false
        do throws(ProgramFailure) {
            resumes = try RunPlan.decide(output: output, configuration: run) == .resume
        } catch {
            refused(error)
        }
        return RunRequest(
            configuration: run, output: output, workers: workers, partitions: partitions, resumes: resumes)
    }
}
