// Where time goes, by a clock that the test moves.

import Platform
import Testing

@Suite("activity clock")
struct ActivityClockTests {
    private enum Activity: Int, CaseIterable { case wait, compute, send }

    private final class Time { var nanoseconds: UInt64 = 1_000 }

    @Test("every nanosecond counts for exactly one activity, and those within another come back to it")
    func counting() {
        let time = Time()
        let clock = ActivityClock(Activity.wait) { time.nanoseconds }
        time.nanoseconds += 5
        clock.enter(.compute)
        time.nanoseconds += 7
        let before = clock.enter(.send)
        time.nanoseconds += 11
        #expect(before == .compute && clock.nanoseconds(.compute) == 7 && clock.nanoseconds(.send) == 11)
        clock.enter(before)
        time.nanoseconds += 13
        #expect(clock.activity == .compute && clock.nanoseconds(.compute) == 20)
        #expect(Activity.allCases.reduce(0) { $0 + clock.nanoseconds($1) } == 36)
        clock.reset()
        time.nanoseconds += 1
        #expect(Activity.allCases.map(clock.nanoseconds) == [0, 1, 0] && clock.seconds(.compute) == 1e-9)
    }
}
