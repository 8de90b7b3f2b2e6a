// What stands in for the operating system in a simulation.

import CPlatform

/// A simulated process: what it is told of time, of itself and of its surroundings. `Simulation` implements it.
///
/// Outside a simulation there is none, and looking for it costs one load from the thread's own memory and one branch.
package protocol SimulatedProcess: AnyObject {
    /// The simulated clock.
    var nanoseconds: UInt64 { get }
    /// Lets simulated time pass.
    func sleep(seconds: Double)
    /// The number of the process.
    var identifier: Int { get }
    /// The machine that it runs on: processes of one machine share memory and files.
    var hostName: String { get }
    /// A number that looks random, and is the same whenever the simulation is repeated.
    func randomNumber() -> UInt64
    /// How often it was asked to end.
    var terminationRequests: Int { get }
    /// Starts a thread of the process.
    func startThread(_ body: @escaping @Sendable () -> Void)
    /// Whether a file of the real disk is on the process's machine.
    func canRead(_ path: String) -> Bool
    /// Something happened that the simulation checks.
    func note(_ milestone: SimulatedMilestone)
}

/// What the shells tell a simulation, and nobody else.
package enum SimulatedMilestone: Equatable {
    /// A partial sum of a chunk's gradients was taken in.
    case gradientAccepted(step: Int, chunk: Int, lower: Int, upper: Int)
    /// The sum of the step in progress begins anew.
    case sumRestarted(step: Int)
    /// A worker was let go of because its results were wrong.
    case workerExpelled(name: String)
    /// A process made a version of its chunks of the weights from the sums of all gradients.
    case stepApplied(version: Int, chunks: Range<Int>)
    /// The server of a run begins a life with the weights of a version.
    case lifeBegan(incarnation: Int, version: Int)
    /// A worker begins to compute a lease.
    case leaseBegan(step: Int, lower: Int, upper: Int)
}

/// Holds a process that implements the protocol, at an address that a thread can keep.
package final class SimulatedProcessReference {
    package let process: any SimulatedProcess

    package init(_ process: any SimulatedProcess) { self.process = process }
}

/// What stands in for the operating system on the calling thread.
package enum StandIn {
    /// The simulated process that this thread runs at present; `nil` in the real world.
    @inline(__always) package static var current: (any SimulatedProcess)? {
        guard let pointer = rondo_get_stand_in() else { return nil }
        return Unmanaged<SimulatedProcessReference>.fromOpaque(pointer).takeUnretainedValue().process
    }

    /// Sets the process that this thread runs from now on. The reference must outlive that.
    package static func set(_ reference: SimulatedProcessReference?) {
        rondo_set_stand_in(reference.map { Unmanaged.passUnretained($0).toOpaque() })
    }

    /// Tells the simulation, if there is one.
    @inline(__always) package static func note(_ milestone: @autoclosure () -> SimulatedMilestone) {
        if let process = current { process.note(milestone()) }
    }
}

/// Numbers that nobody can foresee, and in a simulation that repeats them.
package enum RandomNumber {
    /// The next one.
    package static func next() -> UInt64 {
        if let process = StandIn.current { return process.randomNumber() }
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
