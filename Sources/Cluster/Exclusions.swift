// Who is kept out for a while.

/// Workers that are not let in: by the process, and by the name that it gave, so that it cannot just say hello again.
struct Exclusions: Sendable {
    /// How long the first time; each further time twice as long.
    static let secondsMin = 60.0
    /// The longest.
    static let secondsMax = 3600.0
    /// The most that are remembered: the oldest go first.
    private static let countMax = 4096

    private struct Entry {
        var until: Double
        var seconds: Double
        var reason: String
    }

    private var entries: [String: Entry] = [:]

    /// Keeps all of these names out from now on.
    mutating func add(_ names: [String], reason: String, now: Double) {
        for name in Set(names) where !name.isEmpty {
            let seconds = min(Self.secondsMax, entries[name].map { 2 * $0.seconds } ?? Self.secondsMin)
            entries[name] = Entry(until: now + seconds, seconds: seconds, reason: reason)
        }
        while entries.count > Self.countMax, let oldest = entries.min(by: { $0.value.until < $1.value.until }) {
            entries[oldest.key] = nil
        }
    }

    /// Why one who bears any of these names is kept out, and for how long; `nil` if it is not.
    func refusal(_ names: [String], now: Double) -> String? {
        let kept = names.compactMap { entries[$0] }.filter { $0.until > now }.max { $0.until < $1.until }
        return kept.map { "kept out for \(Int(($0.until - now).rounded(.up))) s more: \($0.reason)" }
    }
}
