// rondo train: a whole cluster on this machine.

import ArgumentParser
import Configuration
import Platform
import Preflight
import Supervisor

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train on this machine: server and workers, supervised.",
        discussion: """
            An unfinished run of the same configuration in the directory is continued, bit for bit as if it had never \
            stopped. So is any run with another training.epochs, training.steps, training.validate, checkpoints.every \
            or checkpoints.keep: it ends with the bits of a run that had the new value from its start. \
            Ctrl-C ends after a checkpoint; a second one ends at once.
            """)

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

    @Flag(help: "Let other users read the run's directory, as the umask says. Otherwise it is closed to them.")
    var shared = false

    mutating func run() throws {
        let workers = workers ?? Executables.defaultWorkers
        guard (1...1024).contains(workers) else {
            throw ProgramFailure(.usage, "--workers \(workers): expected a number from 1 to 1024")
        }
        guard (1...256).contains(partitions) else {
            throw ProgramFailure(.usage, "--partitions \(partitions): expected a number from 1 to 256")
        }
        // Until there are children a text that hangs holds nobody up.
        Interruption.endsProgram()
        let run = try RunConfiguration(file: configurationPath, overrides: overrides)
        let output = output ?? TrainingRequest.defaultOutput(configurationPath: configurationPath)
        let plan = try RunPlan.decide(output: output, configuration: run, acceptsChanges: acceptChanges)
        if plan == .nothing {
            tellOfLatest(output)
            return report(try RunSummary(output: output), "complete", again: true)
        }
        if case .mend(let damage) = plan {
            for line in damage { StandardError.line("rondo: \(line)") }
            for line in RunPlan.setDamagedAside(output) { StandardError.line("rondo: \(line)") }
            StandardError.line("rondo: \(output): the missing steps are computed again")
        }
        try ProgramFailure.refuse(
            RequestCheck.findings(
                RunRequest(
                    configuration: run, output: output, workers: workers, partitions: partitions,
                    resumes: plan.resumes, configurationPath: configurationPath)), program: "rondo")
        if shared {
            FilePrivacy.share()
        } else if let warning = FilePrivacy.close(runDirectory: output) {
            StandardError.line("rondo: \(warning)")
        }
        TerminationSignal.install()
        let request = TrainingRequest(
            configuration: run, output: output, workers: workers, partitions: partitions,
            acceptsChanges: acceptChanges, isShared: shared, executables: Executables.folder())
        let before = plan == .resume ? try? RunSummary(output: output) : nil
        let began = MonotonicClock.seconds
        let supervisor = try RunSupervisor(request, plan: plan)
        switch try supervisor.run() {
        case .completed:
            let summary = try RunSummary(
                output: output, seconds: MonotonicClock.seconds - began,
                tokensPerSecond: supervisor.observedTokensPerSecond)
            tellOfLatest(output)
            // With fewer steps, or another place of the data, there may have been none to compute.
            let isSame = before?.record.step == summary.record.step && before?.modelSHA256 == summary.modelSHA256
            if isSame { return report(try RunSummary(output: output), "complete", again: true) }
            report(summary, "done", again: false)
        case .interrupted:
            if let summary = try? RunSummary(output: output) {
                StandardError.line(
                    "rondo: interrupted after step \(summary.record.step) of \(summary.record.totalSteps); "
                        + "checkpoint \(summary.checkpoint); the same command continues")
            } else {
                StandardError.line("rondo: interrupted before the first checkpoint; the same command starts anew")
            }
            throw ExitStatus.interrupted
        }
    }

    /// `latest` leads to the newest checkpoint, or the user is told why not.
    private func tellOfLatest(_ output: String) {
        if let remark = RunPlan.repairLatest(output) { StandardError.line("rondo: \(remark)") }
    }

    private func report(_ summary: RunSummary, _ title: String, again: Bool) {
        var lines = summary.lines(title)
        if again { lines.insert("\(summary.output): this run is complete; nothing is left to do", at: 0) }
        lines.append("next         rondo sample --checkpoint \(ShellWord.quoted(summary.output))")
        lines.append("             rondo evaluate --checkpoint \(ShellWord.quoted(summary.output)) --data FILE")
        StandardOutput.report(lines.joined(separator: "\n") + "\n")
    }
}
