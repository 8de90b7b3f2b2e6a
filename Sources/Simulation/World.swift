// A simulated world: its clock, its events, and the one thread that runs at a time.

import CSimulation
import Platform

/// A thread of a simulated process: a fiber that runs until it waits.
final class SimulatedThread {
    let node: Node
    private let body: () -> Void
    private var fiber: OpaquePointer?
    private(set) var hasEnded = false
    private(set) var isWaiting = false
    /// Counts waits, so that what ends one does not end the next.
    private(set) var wait = 0

    init(of node: Node, _ body: @escaping () -> Void) {
        self.node = node
        self.body = body
        let argument = Unmanaged.passUnretained(self).toOpaque()
        fiber = rondo_fiber_make(
            { argument in
                guard let argument else { return }
                Unmanaged<SimulatedThread>.fromOpaque(argument).takeUnretainedValue().body()
            }, argument)
        precondition(fiber != nil, "no fibers on this system: simulations need contexts of the C library")
    }

    deinit { if let fiber { rondo_fiber_free(fiber) } }

    /// Runs it until it waits or ends. Called by the world alone.
    func resume() {
        isWaiting = false
        StandIn.set(node.reference)
        hasEnded = rondo_fiber_resume(fiber) == 1
        StandIn.set(nil)
    }

    /// Called on the thread itself: waits until somebody wakes it.
    func suspend() {
        wait += 1
        isWaiting = true
        rondo_fiber_suspend(fiber)
    }
}

/// One clock, one queue of events.
final class World {
    /// Nanoseconds since the beginning.
    private(set) var now: UInt64 = 0
    var random: SplitMix
    let log: EventLog
    private var events = EventQueue()
    /// The thread that runs at present.
    private(set) var running: SimulatedThread?
    /// Events that have happened.
    private(set) var eventCount = 0

    init(seed: UInt64, log: EventLog) {
        random = SplitMix(seed: seed)
        self.log = log
    }

    /// Has something happen after a time.
    func after(seconds: Double, _ action: EventAction) { at(now + UInt64(max(0, seconds) * 1e9), action) }

    /// Has something happen at a time.
    func at(_ time: UInt64, _ action: EventAction) { events.put(action, at: max(now, time)) }

    /// Lets a waiting thread go on, at this moment.
    func wake(_ thread: SimulatedThread) {
        if thread.isWaiting { events.put(.wake(thread, wait: thread.wait), at: now) }
    }

    /// Called on a thread: lets time pass, or less if somebody wakes it.
    func wait(until time: UInt64) {
        guard let thread = running else { preconditionFailure("nobody runs who could wait") }
        at(time, .wake(thread, wait: thread.wait + 1))
        thread.suspend()
    }

    /// Starts a thread at this moment.
    func start(_ thread: SimulatedThread) { events.put(.perform { self.run(thread) }, at: now) }

    /// Lets events happen until there are none, the condition fails, or time is up.
    ///
    /// - Returns: Whether there was time left.
    func run(until end: UInt64, while condition: () -> Bool) -> Bool {
        while condition() {
            guard let (time, action) = events.take() else { return true }
            guard time <= end else { return false }
            now = time
            eventCount += 1
            switch action {
            case .wake(let thread, let wait):
                guard thread.isWaiting, thread.wait == wait else { continue }
                if thread.node.frozenUntil > now {
                    events.put(action, at: thread.node.frozenUntil)
                } else {
                    run(thread)
                }
            case .arrive(let lane): lane.arrive()
            case .perform(let body): body()
            }
        }
        return true
    }

    /// Nothing happens any more; what was to happen is let go of, and with it whatever would have made it happen.
    func end() { events = EventQueue() }

    private func run(_ thread: SimulatedThread) {
        running = thread
        thread.resume()
        running = nil
        if thread.hasEnded { thread.node.noteEnd(of: thread) }
    }
}
