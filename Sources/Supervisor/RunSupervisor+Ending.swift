// The end of a supervised run: in order if there is time, at once if there is not.

import Platform

extension RunSupervisor {
    /// How long the server may take for its last checkpoint.
    private static let serverSecondsMax = 10.0
    /// How long workers may take once the server has gone.
    private static let workerSecondsMax = 3.0

    /// After a signal: the server first, which writes a checkpoint and dismisses the workers; then the workers.
    func endInOrder() -> SupervisedEnd {
        display.note("rondo: ending after a checkpoint; once more to end at once")
        server?.terminate()
        let signals = TerminationSignal.repeatCount
        let deadline = MonotonicClock.seconds + Self.serverSecondsMax
        while let server, server.poll() == nil, MonotonicClock.seconds < deadline,
            TerminationSignal.repeatCount == signals
        {
            MonotonicClock.sleep(seconds: 0.02)
        }
        let end = server?.poll()
        let isHurried = TerminationSignal.repeatCount > signals
        if server != nil, end == nil, !isHurried {
            display.note("rondo: the server did not end within \(Int(Self.serverSecondsMax)) s and is killed")
        }
        server?.destroy()
        if !isHurried { endWorkersAndPartitions() }
        destroyEverything()
        display.finish()
        recordEnding(.interrupted, "ended before the last checkpoint was written", .interrupted)
        // The last step may have been done just then.
        return end == .exited(code: 0) ? .completed : .interrupted
    }

    /// The run is over, and the server has told workers and partition servers: gives them time to go, then asks, then
    /// ends them.
    func endWorkersAndPartitions() {
        let began = MonotonicClock.seconds
        let signals = TerminationSignal.repeatCount
        var isAsked = false
        var children: [ManagedChild] { slots.compactMap(\.child) + partitions.compactMap(\.child) }
        while children.contains(where: { $0.poll() == nil }) {
            let waited = MonotonicClock.seconds - began
            if waited > Self.workerSecondsMax || TerminationSignal.repeatCount > signals { break }
            if waited > 1, !isAsked {
                isAsked = true
                for child in children { child.terminate() }
            }
            MonotonicClock.sleep(seconds: 0.02)
        }
        for index in slots.indices {
            slots[index].child?.destroy()
            slots[index].child = nil
            slots[index].startAt = nil
        }
        destroyPartitions()
    }

    /// Ends whatever still lives, and takes back the endpoint that nobody listens at any more.
    func destroyEverything() {
        for index in slots.indices {
            slots[index].child?.destroy()
            slots[index].child = nil
        }
        server?.destroy()
        destroyPartitions()
        withdrawEndpoint()
    }
}
