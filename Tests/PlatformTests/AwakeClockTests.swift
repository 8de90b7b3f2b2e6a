// A clock that stands still when nobody looks.

import Platform
import Testing

/// A process whose clock the test turns.
private final class TurnedClock: SimulatedProcess {
    var nanoseconds: UInt64 = 1_000_000_000
    var identifier: Int { 1 }
    var hostName: String { "host" }
    var terminationRequests: Int { 0 }
    func sleep(seconds: Double) {}
    func randomNumber() -> UInt64 { 4 }
    func startThread(_ body: @escaping @Sendable () -> Void) {}
    func canRead(_ path: String) -> Bool { false }
    func note(_ milestone: SimulatedMilestone) {}
}

@Suite("clock of limits")
struct AwakeClockTests {
    @Test("a process that was stopped, or a machine that slept, counts for a second; looks in between count in full")
    func gaps() {
        let process = TurnedClock()
        let reference = SimulatedProcessReference(process)
        StandIn.set(reference)
        defer { StandIn.set(nil) }
        var clock = AwakeClock()
        process.nanoseconds += 500_000_000
        #expect(abs(clock.look() - 0.5) < 1e-9)
        process.nanoseconds += 3_600_000_000_000
        #expect(abs(clock.look() - 1.5) < 1e-9)
        for _ in 0..<90 {
            process.nanoseconds += 1_000_000_000
            _ = clock.look()
        }
        #expect(abs(clock.look() - 91.5) < 1e-6)
    }

    @Test("long work lets its thread do something else meanwhile, and gives its result, its error and errno")
    func longWork() throws {
        struct Odd: Error {}
        var looks = 0
        LongWork.meanwhile { looks += 1 }
        defer { LongWork.meanwhile(nil) }
        let result = LongWork.run {
            MonotonicClock.sleep(seconds: 0.3)
            return 7
        }
        #expect(result == 7 && looks > 3)
        #expect(throws: Odd.self) { try LongWork.run { () throws(Odd) in throw Odd() } }
        looks = 0
        MonotonicClock.sleep(seconds: 0.03)
        LongWork.breathe()
        LongWork.breathe()
        #expect(looks == 1)
    }
}
