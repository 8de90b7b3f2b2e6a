// Deadline: a point in time that a wait must not pass, however often a signal interrupts it.

/// The moment by which a wait ends.
struct Deadline {
    private let end: ContinuousClock.Instant

    /// The longest wait there is: a year. It keeps the arithmetic below away from overflow.
    static let millisecondsMax = 365 * 24 * 3600 * 1000

    init(milliseconds: Int) {
        end = .now.advanced(by: .milliseconds(min(max(0, milliseconds), Deadline.millisecondsMax)))
    }

    /// Milliseconds left, rounded up so that a wait never ends early; 0 when the moment has passed.
    var remainingMilliseconds: Int {
        let left = ContinuousClock.now.duration(to: end).components
        guard left.seconds >= 0, left.attoseconds >= 0 else { return 0 }
        return Int(left.seconds) * 1000 + Int((left.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
