// A clock for limits on the silence of others.

/// A clock that stands still while nobody looks at it: of the time between two looks it counts a second at most.
///
/// A process that was stopped, a machine that slept, a call that took long: what others sent meanwhile waits unread,
/// and nobody was silent. Limits on silence are measured with a clock that the waiting loop looks at many times a
/// second.
public struct AwakeClock: Sendable {
    /// The most that counts of the time between two looks.
    public static let gapSecondsMax = 1.0

    private var lookedAt = MonotonicClock.seconds
    private var elapsed = 0.0

    /// A clock that starts at 0.
    public init() {}

    /// Seconds since the start, without those of long gaps.
    public mutating func look() -> Double {
        let now = MonotonicClock.seconds
        elapsed += min(max(0, now - lookedAt), Self.gapSecondsMax)
        lookedAt = now
        return elapsed
    }
}
