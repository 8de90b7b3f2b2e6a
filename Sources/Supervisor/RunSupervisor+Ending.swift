// The end of a supervised run: in order if there is time, at once if there is not.

import Platform

extension RunSupervisor {
    /// How often it is said that the end takes its time.
    private static let noteSeconds = 10.0

    /// After a signal: the server first, which writes a checkpoint and dismisses the workers; then the workers.
    ///
    /// The last checkpoint may take long, on a slow disk: the server answers meanwhile, and is waited for.
    func endInOrder() -> SupervisedEnd {
        display.note("rondo: ending after a checkpoint; once more to end at once")
        server?.terminate()
        let repeats = TerminationSignal.repeatCount
        let beganAt = awake.look()
        var (heardAt, noteAt) = (beganAt, beganAt + Self.noteSeconds)
        while let server, server.poll() == nil, TerminationSignal.repeatCount == repeats {
            let status = try? feed?.next(withinMilliseconds: 20)
            if feed == nil { MonotonicClock.sleep(seconds: 0.02) }
            let now = awake.look()
            if let status {
                heardAt = now
                display.show(status)
            }
            if now - heardAt > limits.endSecondsMax { break }
            if now >= noteAt {
                noteAt = now + Self.noteSeconds
                display.note(
                    "rondo: the server is \(status?.phase ?? "still there") after \(Readable.duration(now - beganAt)); "
                        + "once more to end at once")
            }
        }
        let end = server?.poll()
        let isHurried = TerminationSignal.repeatCount > repeats
        if server != nil, end == nil, !isHurried {
            display.note(
                "rondo: the server has been silent for \(Readable.duration(limits.endSecondsMax)) and is killed")
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
            if waited > limits.workerSecondsMax || TerminationSignal.repeatCount > signals { break }
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
