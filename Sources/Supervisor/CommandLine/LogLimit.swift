// Lines of the log that come again and again.

import Platform
import Synchronization

/// How many lines of one kind a log takes: whoever can cause a line must not be able to fill a disk with it.
///
/// Of each message a hundred come through at once, and then two a second; the next one that does tells how many did
/// not.
struct LogLimit {
    private static let burst = 100.0
    private static let perSecond = 2.0
    /// The most kinds that are told apart; beyond it all others are one kind.
    private static let kindsMax = 256

    private struct Kind {
        var allowance = LogLimit.burst
        var filledAt: Double
        var suppressed = 0
    }

    private var kinds: [String: Kind] = [:]

    /// Takes a line of a kind.
    ///
    /// - Returns: How many of its kind were left out before it; `nil` if it is left out, too.
    mutating func take(_ message: String, now: Double) -> Int? {
        let name = kinds[message] != nil || kinds.count < Self.kindsMax ? message : ""
        var kind = kinds[name] ?? Kind(filledAt: now)
        kind.allowance = min(Self.burst, kind.allowance + max(0, now - kind.filledAt) * Self.perSecond)
        kind.filledAt = now
        defer { kinds[name] = kind }
        guard kind.allowance >= 1 else {
            kind.suppressed += 1
            return nil
        }
        kind.allowance -= 1
        defer { kind.suppressed = 0 }
        return kind.suppressed
    }

    /// The log of this process.
    static let shared = Mutex(LogLimit())
}
