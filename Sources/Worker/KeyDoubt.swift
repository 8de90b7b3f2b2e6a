// A wrong key, or a network that resets connections?

import Messaging
import Platform

/// Tells a server that was given another key from a network that resets connections: both end every connection without
/// a word, but only the server is reached by a plain connection all the same.
struct KeyDoubt {
    /// How often the server must be found listening before its key is blamed.
    private static let findingsMin = 3
    private static let intervalSeconds = 0.4
    private static let lookMilliseconds = 500

    private var findings = 0
    private var nextLook = 0.0

    /// Looks at the server now and then.
    ///
    /// - Returns: Whether it was there each time, and so the key must be wrong.
    mutating func isConfirmed(at endpoint: Endpoint) -> Bool {
        let now = MonotonicClock.seconds
        guard now >= nextLook else { return false }
        let isListening = endpoint.probe(withinMilliseconds: Self.lookMilliseconds) == .listening
        findings = isListening ? findings + 1 : 0
        nextLook = MonotonicClock.seconds + Self.intervalSeconds
        return findings >= Self.findingsMin
    }
}
