// rondo status: one look at a run.

import ArgumentParser
import Client
import Messaging
import Supervisor

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "One look at a run and its workers.")

    @OptionGroup var target: RunTarget

    @Flag(help: "Print JSON.")
    var json = false

    mutating func run() throws {
        Interruption.endsProgram()
        let address = try target.address()
        let status = try ServerClient(address.endpoint, keys: address.keys).status()
        guard !json else { return try StandardOutput.line(JSONLine.encode(status, pretty: true)) }
        try StandardOutput.write(StatusText.lines(status).joined(separator: "\n") + "\n")
    }
}
