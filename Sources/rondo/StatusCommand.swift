// rondo status: one look at a run.

import ArgumentParser
import Client
import Messaging
import Supervisor

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One look at a run and its workers.")

    @Argument(help: ArgumentHelp("The server, such as tcp://127.0.0.1:5555.", valueName: "endpoint"))
    var endpoint: String

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var keys: ClientKeyOptions

    mutating func run() throws {
        Interruption.endsProgram()
        let status = try ServerClient(Endpoint(typed: endpoint), keys: keys.role()).status()
        guard !json else { return try StandardOutput.line(JSONLine.encode(status, pretty: true)) }
        try StandardOutput.write(StatusText.lines(status).joined(separator: "\n") + "\n")
    }
}
