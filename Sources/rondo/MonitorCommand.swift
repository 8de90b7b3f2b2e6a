// rondo monitor: the status again and again.

import ArgumentParser
import Client
import Messaging
import Platform
import Supervisor

struct MonitorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor", abstract: "Watch a run and its workers until it ends.",
        discussion: "Survives restarts of the server. Ctrl-C ends the monitor, not the run.")

    @OptionGroup var target: RunTarget

    @Flag(help: "Print each look as JSON, one a line.")
    var json = false

    @Option(parsing: .unconditional, help: ArgumentHelp("The time between two looks.", valueName: "seconds"))
    var every = 1.0

    /// How long a server that was seen before may be away: a restart reads a checkpoint and the corpus.
    private static let absenceSecondsMax = 15.0

    mutating func run() throws {
        guard every >= 0.01, every <= 10 else {
            throw ProgramFailure(.usage, "--every \(every): expected 0.01 to 10 seconds")
        }
        TerminationSignal.install()
        let address = try target.address()
        let endpoint = address.endpoint
        // The first look has the deadline of a single question.
        var last = try ServerClient(endpoint, keys: address.keys).status()
        let feed = try StatusFeed(endpoint, intervalSeconds: every, keys: address.keys)
        var screen = StatusScreen()
        try show(last, on: &screen)
        while TerminationSignal.received == nil {
            if let status = try feed.next(withinMilliseconds: min(100, max(1, Int(every * 500)))) {
                last = status
                try show(status, on: &screen)
            }
            if last.isFinished || (last.step >= last.totalSteps && feed.silentSeconds > 2) {
                return json ? () : try StandardOutput.line("the run is complete")
            }
            if feed.silentSeconds > Self.absenceSecondsMax {
                throw ProgramFailure(
                    .unreachable,
                    "\(endpoint) has been silent for \(Readable.duration(feed.silentSeconds)), at step \(last.step) of "
                        + "\(last.totalSteps); the run was stopped, or the server is gone")
            }
            if feed.silentSeconds > 4, !json {
                let note = "no answer for \(Readable.duration(feed.silentSeconds)); waiting for the server to come back"
                try screen.show(StatusText.lines(last) + ["", note], plain: note)
            }
        }
        throw ExitStatus.interrupted
    }

    private func show(_ status: RunStatus, on screen: inout StatusScreen) throws {
        guard !json else { return try StandardOutput.line(JSONLine.encode(status, pretty: false)) }
        try screen.show(StatusText.lines(status), plain: ProgressLine.plain(status))
    }
}

/// Standard output as a screen: lines that replace the ones before; elsewhere than on a terminal a line now and then.
private struct StatusScreen {
    private let isTerminal = CurrentProcess.isTerminal(1)
    private var drawnLines = 0
    private var lastPlain = ""

    mutating func show(_ lines: [String], plain: String) throws {
        guard isTerminal else {
            if plain != lastPlain { try StandardOutput.line(plain) }
            lastPlain = plain
            return
        }
        let columns = CurrentProcess.terminalColumns
        let up = drawnLines > 0 ? "\u{1B}[\(drawnLines)A\r" : ""
        // Each line cleared behind itself, and what was below before: no flicker, no remains.
        let text = lines.map { String($0.prefix(columns - 1)) + "\u{1B}[K\n" }.joined()
        try StandardOutput.write(up + text + "\u{1B}[J")
        drawnLines = lines.count
    }
}
