// A simulated process: what the real shells see of the world.

import Checkpoints
import Messaging
import Platform

/// One life of a process. When it is killed, every call that reaches its surroundings fails from then on, so that its
/// threads come to their ends without any effect on the world.
final class Node: SimulatedMessaging, SimulatedDisk {
    let world: World
    let network: Network
    /// "worker-2.3": the third life of worker 2.
    let name: String
    /// A number for the log's digest.
    let number: Int
    let hostName: String
    let identifier: Int
    let checker: Checker
    var disk: NodeDisk?
    /// How fast it computes, and what it shares with others: its place.
    let place: Place
    private(set) var isDead = false
    private(set) var terminationRequests = 0
    /// None of its threads runs until then.
    var frozenUntil: UInt64 = 0
    /// Calls that reach the surroundings, counted to kill the process at one of them.
    private(set) var steps = 0
    var diesAtStep: Int?
    /// So many seconds pass then until others learn of it: its machine is gone, and nobody closes its connections.
    var silence = 0.0
    /// Called when it is killed at a step.
    var whenKilled: () -> Void = {}
    /// Called when the last of its threads has ended.
    var whenEnded: () -> Void = {}
    private(set) var reference: SimulatedProcessReference?
    private var threads: [SimulatedThread] = []
    private var sockets: [NodeSocket] = []
    private var isMain = true
    /// Machines count from different moments.
    private let clockOffset: UInt64
    /// Time flies for the dead, so that no loop of theirs waits for a deadline.
    private var afterlife: UInt64 = 0

    init(_ name: String, number: Int, life: Int, at place: Place, in network: Network, checker: Checker) {
        self.name = name
        self.number = number
        self.place = place
        self.network = network
        self.checker = checker
        world = network.world
        hostName = place.host
        identifier = 1000 * (number + 1) + life
        clockOffset = UInt64(world.random.pick(100...10_000)) * 1_000_000_000
        reference = SimulatedProcessReference(self)
    }

    // MARK: - Life and death

    /// Starts the main thread; when it returns, the process ends.
    func start(_ body: @escaping () -> Void) { addThread(body) }

    func startThread(_ body: @escaping @Sendable () -> Void) { if !isDead { addThread(body) } }

    private func addThread(_ body: @escaping () -> Void) {
        let thread = SimulatedThread(of: self, body)
        threads.append(thread)
        world.start(thread)
    }

    func noteEnd(of thread: SimulatedThread) {
        let wasMain = threads.first === thread && isMain
        if wasMain { isMain = false }
        threads.removeAll { $0 === thread }
        // With the main thread the process ends.
        if wasMain, !isDead { die() }
        guard threads.isEmpty else { return }
        sockets = []
        reference = nil
        whenEnded()
    }

    /// Ends the process at this instant. What the operating system had taken from it may still reach others.
    ///
    /// - Parameter silence: seconds until others learn of it from the network.
    func kill(_ reason: String, silence: Double = 0) {
        guard !isDead else { return }
        world.log.note(world.now, number, LogKind.crash, steps, "\(name) is killed at its step \(steps): \(reason)")
        network.crash(self, silence: silence)
        die()
    }

    private func die() {
        isDead = true
        frozenUntil = 0
        for thread in threads { world.wake(thread) }
    }

    /// SIGTERM.
    func terminate() {
        guard !isDead else { return }
        terminationRequests += 1
        for thread in threads { world.wake(thread) }
    }

    /// Notes a call that reaches the surroundings.
    ///
    /// - Returns: Whether the process lives.
    func step() -> Bool {
        steps += 1
        if !isDead, steps == diesAtStep {
            whenKilled()
            kill("it was its time", silence: silence)
        }
        precondition(!isDead || steps < 50_000_000, "\(name) does not end after its death")
        return !isDead
    }

    // MARK: - Platform

    var nanoseconds: UInt64 {
        if isDead { afterlife += 500_000_000 }
        return world.now + clockOffset + afterlife
    }

    func sleep(seconds: Double) {
        guard step() else { return }
        let end = world.now + UInt64(max(0, seconds) * 1e9)
        while world.now < end, !isDead { world.wait(until: end) }
    }

    func randomNumber() -> UInt64 { world.random.next() }

    func canRead(_ path: String) -> Bool { hostName == network.dataHost }

    func note(_ milestone: SimulatedMilestone) {
        guard !isDead else { return }
        checker.note(milestone, by: self)
    }

    // MARK: - Messaging

    func openSocket(_ kind: SocketKind) throws(MessagingError) -> any SimulatedSocket {
        guard step() else { throw .terminated }
        let socket = NodeSocket(kind, of: self)
        sockets.append(socket)
        return socket
    }

    func forget(_ socket: NodeSocket) { sockets.removeAll { $0 === socket } }

    // MARK: - Disk

    func verdict(of step: FileSystemStep) -> FileSystemVerdict {
        let alive = self.step()
        guard let disk else { return alive ? .proceed : .fail(5) }
        return disk.verdict(of: step, isAlive: alive)
    }
}
