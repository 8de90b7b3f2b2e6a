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
        let status: RunStatus
        do {
            let address = try target.address()
            status = try ServerClient(address.endpoint, keys: address.keys).status()
        } catch {
            // Nobody is there any more: the directory may say how the run ended.
            guard let ending = target.ending else { throw error }
            return try StandardOutput.line(
                json ? EndingText.json(ending, of: nil, pretty: true) : EndingText.line(ending))
        }
        guard !json else { return try StandardOutput.line(JSONLine.encode(status, pretty: true)) }
        try StandardOutput.write(StatusText.lines(status).joined(separator: "\n") + "\n")
    }
}
