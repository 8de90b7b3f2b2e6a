// rondo monitor: the status again and again.

import ArgumentParser
import Checkpoints
import Client
import Messaging
import Platform
import Supervisor

struct MonitorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor", abstract: "Watch a run and its workers until it ends.",
        discussion: """
            Survives restarts of the server, and ends with the run: with its exit code, and with a last line that says \
            how it ended. Ctrl-C ends the monitor, not the run.
            """)

    @OptionGroup var target: RunTarget

    @Flag(help: "Print each look as JSON, one a line.")
    var json = false

    @Option(parsing: .unconditional, help: ArgumentHelp("The time between two looks.", valueName: "seconds"))
    var every = 1.0

    mutating func run() throws {
        guard every >= 0.01, every <= 10 else {
            throw ProgramFailure(.usage, "--every \(every): expected 0.01 to 10 seconds")
        }
        TerminationSignal.install()
        let address: RunAddress
        do { address = try target.address() } catch {
            guard let ending = target.ending else { throw error }
            return try report(ending, of: nil)
        }
        let watch = try RunWatch(
            address.endpoint, directory: address.directory, intervalSeconds: every, keys: address.keys)
        var screen = StatusScreen()
        try show(watch.last, on: &screen)
        while TerminationSignal.received == nil {
            switch try news(of: watch) {
            case .status(let status): try show(status, on: &screen)
            case .silent(let seconds): try show(watch.last, silentFor: seconds, on: &screen)
            case .ended(let ending): return try report(ending, of: watch.last)
            }
        }
        throw ExitStatus.interrupted
    }

    private func news(of watch: RunWatch) throws -> RunWatch.News {
        do {
            return try watch.next(withinMilliseconds: min(100, max(1, Int(every * 500))))
        } catch ClientError.noAnswer(let endpoint, let seconds) {
            throw ProgramFailure(
                .unreachable,
                "\(endpoint) has been silent for \(Readable.duration(seconds)), at step \(watch.last.step) of "
                    + "\(watch.last.totalSteps), and nothing on record says how the run ended: it was killed, or runs "
                    + "on another machine that is gone")
        }
    }

    /// Says how the run ended, and ends as it did.
    private func report(_ ending: RunEnding, of last: RunStatus?) throws {
        if json {
            try StandardOutput.line(EndingText.json(ending, of: last, pretty: false))
        } else if ending.how != .failed {
            try StandardOutput.line(EndingText.line(ending))
        }
        if ending.how == .failed {
            throw ProgramFailure(
                ExitStatus(rawValue: Int32(ending.exitCode)) ?? .internalError, EndingText.line(ending))
        }
        if ending.how == .interrupted { throw ExitStatus.interrupted }
    }

    private func show(_ status: RunStatus, silentFor seconds: Double, on screen: inout StatusScreen) throws {
        guard seconds > 4, !json else { return }
        let note = "no answer for \(Readable.duration(seconds)); waiting for the server"
        try screen.show(StatusText.lines(status) + ["", note], plain: "no answer; waiting for the server")
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
