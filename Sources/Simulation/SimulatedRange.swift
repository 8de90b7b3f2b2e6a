// Many seeds, on several threads.

import CSimulation
import Foundation
import Synchronization

/// What the simulations of many seeds showed.
public struct SimulatedRange: Sendable, CustomStringConvertible {
    /// Seeds that were simulated.
    public private(set) var seeds = 0
    /// Seeds of which something did not hold.
    public private(set) var failures = 0
    /// The first lines about those.
    public private(set) var complaints: [String] = []
    /// Simulated seconds of all seeds.
    public private(set) var seconds = 0.0
    /// Steps that were computed again after restarts of the server.
    public private(set) var stepsRedone = 0
    /// Real seconds.
    public private(set) var wallSeconds = 0.0
    private var events = 0
    private var longestRecovery = (seconds: 0.0, seed: UInt64(0))
    private var faults = FaultCounts()

    /// How often each kind of fault happened, by name.
    public var faultCounts: [String: Int] { Dictionary(uniqueKeysWithValues: faults.list.map { ($0.name, $0.count) }) }

    /// Two lines: totals, and faults by kind.
    public var description: String {
        let list = faults.list.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        let wall = (wallSeconds * 10).rounded() / 10
        return "\(seeds) seeds, \(failures) failed; \(Int(seconds)) simulated seconds, \(events) events, "
            + "\(stepsRedone) steps redone, \(wall) s\n\(list)\nthe longest run after its last fault: "
            + "\(Int(longestRecovery.seconds)) s (seed \(longestRecovery.seed))"
    }

    private mutating func add(_ report: SimulationReport) {
        seeds += 1
        seconds += report.seconds
        stepsRedone += report.stepsRedone
        events += report.events
        if report.secondsAfterFaults > longestRecovery.seconds {
            longestRecovery = (report.secondsAfterFaults, report.seed)
        }
        faults = faults + report.faults
    }

    /// Should the process crash, it says which seed was being simulated. For programs that do nothing else.
    public static func nameSeedsOfCrashes() { rondo_name_seeds_of_crashes() }

    /// Simulates all seeds of a range.
    ///
    /// - Parameters:
    ///   - threads: worlds at a time.
    ///   - report: gets a line for each complaint.
    ///   - digest: gets each seed and what identifies its events.
    ///   - log: makes what gets the full log of a seed.
    /// - Throws: if nothing can be simulated.
    public static func run(
        _ range: ClosedRange<UInt64>, threads: Int, report: @escaping @Sendable (String) -> Void = { _ in },
        digest: @escaping @Sendable (UInt64, UInt64) -> Void = { _, _ in },
        log: @escaping @Sendable () -> ((String) -> Void)? = { nil }
    ) throws -> SimulatedRange {
        let simulator = try Simulator()
        let began = ContinuousClock.now
        let next = Mutex(range.lowerBound)
        let shared = Mutex((sum: SimulatedRange(), failure: nil as (any Error)?))
        let group = DispatchGroup()
        for _ in 0..<threads {
            group.enter()
            let thread = Thread {
                defer { group.leave() }
                while let seed = next.withLock({ next in
                    defer { next += 1 }
                    return next <= range.upperBound ? next : nil
                }) {
                    do {
                        rondo_note_seed(seed)
                        let result = try simulator.run(seed: seed, write: log())
                        digest(seed, result.digest)
                        shared.withLock { $0.sum.add(result) }
                        guard !result.complaints.isEmpty else { continue }
                        let lines = result.complaints.map { "seed \(seed): \($0)" }
                        shared.withLock {
                            $0.sum.failures += 1
                            if $0.sum.complaints.count < 50 { $0.sum.complaints += lines }
                        }
                        for line in lines { report(line) }
                        report("    replay it: scripts/simulate --seeds \(seed)..\(seed) --log")
                    } catch {
                        shared.withLock { $0.failure = error }
                        return
                    }
                }
            }
            thread.stackSize = 8 << 20
            thread.start()
        }
        group.wait()
        if let failure = shared.withLock({ $0.failure }) { throw failure }
        var sum = shared.withLock { $0.sum }
        let elapsed = began.duration(to: .now).components
        sum.wallSeconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        return sum
    }
}
