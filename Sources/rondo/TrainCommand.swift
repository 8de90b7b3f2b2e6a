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

    @OptionGroup var options: PlanOptions

    @Flag(help: "Let other users read the run's directory, as the umask says. Otherwise it is closed to them.")
    var shared = false

    mutating func run() throws {
        // Until there are children a text that hangs holds nobody up.
        Interruption.endsProgram()
        let (request, plan, problems) = try options.request()
        let output = request.output
        try ProgramFailure.refuse(
            plan == .nothing ? RequestCheck.dataNotes(request) : problems + RequestCheck.findings(request),
            program: "rondo")
        if plan == .nothing {
            tellOfLatest(output)
            return report(try RunSummary(output: output), "complete", again: true)
        }
        if case .mend(let damage) = plan {
            for line in damage { StandardError.line("rondo: \(line)") }
            for line in RunPlan.setDamagedAside(output) { StandardError.line("rondo: \(line)") }
            StandardError.line("rondo: \(output): the missing steps are computed again")
        }
        if shared {
            FilePrivacy.share()
        } else if let warning = FilePrivacy.close(runDirectory: output) {
            StandardError.line("rondo: \(warning)")
        }
        TerminationSignal.install()
        let training = TrainingRequest(
            configuration: request.configuration, output: output, workers: request.workers,
            partitions: request.partitions, acceptsChanges: options.acceptChanges, isShared: shared,
            executables: Executables.folder())
        let before = plan == .resume ? try? RunSummary(output: output) : nil
        let began = MonotonicClock.seconds
        let supervisor = try RunSupervisor(training, plan: plan)
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
