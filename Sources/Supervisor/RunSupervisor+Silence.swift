// A server that lives and does not answer.

import Platform

/// What the supervisor has heard of the present life of its server.
struct ServerWatch {
    /// The life it belongs to.
    var process: Int?
    /// When that began, or last answered, or was seen at work.
    var heardAt = 0.0
    var hasAnswered = false
    /// Looks at it from outside until it answers.
    var signs: SignsOfWork?
}

/// How long a supervisor waits for those who give no sign of life. Whoever works visibly may take as long as it likes.
public struct SupervisorLimits: Sendable {
    /// How long a server that has answered may be silent. It answers even in the middle of a checkpoint.
    public var silenceSecondsMax = 90.0
    /// How long a server that has not answered yet may do nothing: neither compute nor read nor write.
    public var startSecondsMax = 3600.0
    /// How long a server that is to end may be silent.
    public var endSecondsMax = 30.0
    /// How long workers may take once the server has gone: nothing that they do is needed any more.
    public var workerSecondsMax = 3.0
    /// How long a partition server, which reads nothing, may take until it listens.
    public var partitionSecondsMax = 60.0

    /// The limits of `rondo train`.
    public init() {}
}

extension RunSupervisor {
    /// Ends a server that gives no answer any more (it hangs, or was stopped): its end is noted as any other, and it is
    /// started anew from the newest checkpoint.
    ///
    /// - Parameter now: by the clock that stands still when this process does: a machine that slept was silent itself.
    func watchServer(now: Double) {
        guard let server else { return }
        if watch.process != server.identifier {
            watch = ServerWatch(
                process: server.identifier, heardAt: now, signs: SignsOfWork(of: server.identifier, now: now))
        }
        if !watch.hasAnswered, watch.signs?.look(now: now) == true { watch.heardAt = now }
        let limit = watch.hasAnswered ? limits.silenceSecondsMax : limits.startSecondsMax
        guard now - watch.heardAt > limit else { return }
        display.note(
            "rondo: the server (process id \(server.identifier)) has not answered for \(Readable.duration(limit)) and "
                + "is killed")
        watch.heardAt = now
        server.destroy()
    }

    /// The server has answered.
    func noteAnswer() {
        watch.heardAt = awake.look()
        watch.hasAnswered = true
    }
}
