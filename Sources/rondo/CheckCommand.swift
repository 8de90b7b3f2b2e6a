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

    @OptionGroup var options: PlanOptions

    @Option(help: ArgumentHelp("Also whether a server could listen there.", valueName: "tcp://HOST:PORT"))
    var bind: String?

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        Interruption.endsProgram()
        var (request, plan, problems) = try options.request()
        // Of a complete run the data are known as well.
        request.resumes = request.resumes || plan == .nothing
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
