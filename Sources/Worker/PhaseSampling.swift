// Where the time of computing goes, without slowing it down.

import Platform
import Recurrent

/// The seconds of a worker's computing by phase of the network.
///
/// A look at the clock costs some 50 nanoseconds, and a step has one to three thousand changes of phase. Steps of 100
/// milliseconds and more are all watched: that costs less than 0.2 %. Of shorter steps every eighth is, and stands for
/// those before it.
struct PhaseSampling {
    private static let watchedNanosecondsMin: UInt64 = 100_000_000
    private static let stepsPerSample = 8

    private let clock: WorkerClock
    /// By phase; zero for `other`, which is what remains.
    private var nanoseconds = [Double](repeating: 0, count: StepPhase.allCases.count)
    /// The computing that these stand for.
    private var attributed: UInt64 = 0
    private var began: UInt64 = 0
    private var lastStep: UInt64 = 0
    private var stepsUntilSample = 0

    /// Nothing is computed yet.
    init(_ clock: WorkerClock) { self.clock = clock }

    /// A step begins: switches the network's clock on or off.
    mutating func begin(_ phases: inout PhaseClock) {
        began = clock.nanoseconds(.compute)
        let watches = stepsUntilSample == 0 || lastStep >= Self.watchedNanosecondsMin
        stepsUntilSample = watches ? Self.stepsPerSample - 1 : stepsUntilSample - 1
        phases.reset()
        phases.now = watches ? clock.computing : nil
    }

    /// The step has ended.
    mutating func end(_ phases: inout PhaseClock) {
        let now = clock.nanoseconds(.compute)
        lastStep = now - began
        guard phases.now != nil else { return }
        phases.now = nil
        guard lastStep > 0 else { return }
        let weight = Double(now - attributed) / Double(lastStep)
        for phase in StepPhase.allCases where phase != .other {
            nanoseconds[phase.rawValue] += Double(phases.nanoseconds[phase.rawValue]) * weight
        }
        attributed = now
    }

    /// Seconds by phase, all of computing.
    var seconds: [(phase: StepPhase, seconds: Double)] {
        let others = Double(clock.nanoseconds(.compute)) - nanoseconds.reduce(0, +)
        return StepPhase.allCases.map { phase in
            (phase, (phase == .other ? max(0, others) : nanoseconds[phase.rawValue]) * 1e-9)
        }
    }
}
