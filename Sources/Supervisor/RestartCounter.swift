// How often a child may die.

/// Counts the deaths of a child in a row without progress in between, and says when to start it anew.
///
/// The first time it is started at once, then after ever longer pauses: a child that cannot live must not keep the
/// machine busy with its births.
struct RestartCounter {
    /// The most restarts in a row without progress.
    static let restartsMax = 5
    private static let pauseSecondsFirst = 0.25
    private static let pauseSecondsMax = 4.0

    /// Deaths since the last progress.
    private(set) var deaths = 0

    /// The child died.
    ///
    /// - Returns: After how many seconds to start it anew; `nil` when it has died too often.
    mutating func noteDeath() -> Double? {
        deaths += 1
        guard deaths <= Self.restartsMax else { return nil }
        guard deaths > 1 else { return 0 }
        var pause = Self.pauseSecondsFirst
        for _ in 2..<deaths { pause *= 2 }
        return min(pause, Self.pauseSecondsMax)
    }

    /// The child did something that counts.
    mutating func noteProgress() { deaths = 0 }
}
