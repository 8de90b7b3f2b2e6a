// Deadline: a point in time that a wait must not pass, however often a signal interrupts it.

import Platform

/// The moment by which a wait ends.
struct Deadline {
    private let end: UInt64

    /// The longest wait there is: a year. It keeps the arithmetic below away from overflow.
    static let millisecondsMax = 365 * 24 * 3600 * 1000

    init(milliseconds: Int) {
        end = MonotonicClock.nanoseconds + UInt64(min(max(0, milliseconds), Deadline.millisecondsMax)) * 1_000_000
    }

    /// Milliseconds left, rounded up so that a wait never ends early; 0 when the moment has passed.
    var remainingMilliseconds: Int {
        let now = MonotonicClock.nanoseconds
        return now < end ? Int((end - now + 999_999) / 1_000_000) : 0
    }
}
