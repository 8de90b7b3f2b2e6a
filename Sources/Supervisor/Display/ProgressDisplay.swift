// Progress on standard error: a line that is redrawn on a terminal, a line now and then elsewhere.

import Client
import Platform

/// Shows a run's progress on standard error.
public struct ProgressDisplay {
    private static let plainIntervalSeconds = 5.0
    /// How often a run that makes no step is told of.
    private static let idleIntervalSeconds = 30.0

    private let isTerminal: Bool
    private var drawn = ""
    private var shownAt = MonotonicClock.seconds
    private var shownStep = -1
    private var shownPhase = ""
    private var shownValidation: Double?

    /// A display for whatever standard error is.
    public init() {
        isTerminal = CurrentProcess.isTerminal(2)
    }

    /// Shows a status, if it is time to.
    public mutating func show(_ status: RunStatus, now: Double = MonotonicClock.seconds) {
        if isTerminal {
            draw(ProgressLine.bar(status, columns: CurrentProcess.terminalColumns - 1))
            return
        }
        let isNews = status.validationLoss != shownValidation && status.validationLoss != nil
        let isElse = status.step != shownStep || status.phase != shownPhase
        let isDue = now - shownAt >= (isElse ? Self.plainIntervalSeconds : Self.idleIntervalSeconds)
        guard isNews || isDue else { return }
        (shownAt, shownStep, shownValidation) = (now, status.step, status.validationLoss)
        shownPhase = status.phase
        StandardError.line(ProgressLine.plain(status))
    }

    /// Shows what the program is waiting for; on a terminal only.
    public mutating func show(waitingFor what: String) {
        if isTerminal { draw(what + " …") }
    }

    /// Writes a line above the bar.
    public mutating func note(_ text: String) {
        clear()
        StandardError.line(text)
    }

    /// Takes the bar away, or leaves it as a line of its own.
    public mutating func finish() {
        if !drawn.isEmpty { StandardError.write("\n") }
        drawn = ""
    }

    private mutating func draw(_ line: String) {
        guard line != drawn else { return }
        StandardError.write("\r" + line + "\u{1B}[K")
        drawn = line
    }

    private mutating func clear() {
        if !drawn.isEmpty { StandardError.write("\r\u{1B}[K") }
        drawn = ""
    }
}
