// A server that lives and does not answer.

import Platform

/// What the supervisor has heard of the present life of its server.
struct ServerWatch {
    /// The life it belongs to.
    var process: Int?
    /// When that began, or last answered.
    var heardAt = 0.0
    var hasAnswered = false
}

extension RunSupervisor {
    /// How long a server that has answered may be silent: more than a checkpoint takes, on a slow disk.
    private static let silenceSecondsMax = 90.0
    /// How long a server may take until it answers for the first time: a large text is read twice before.
    static let startSecondsMax = 3600.0

    /// Ends a server that gives no answer any more (it hangs, or was stopped): its end is noted as any other, and it is
    /// started anew from the newest checkpoint.
    func watchServer(now: Double) {
        guard let server else { return }
        if watch.process != server.identifier { watch = ServerWatch(process: server.identifier, heardAt: now) }
        let limit = watch.hasAnswered ? Self.silenceSecondsMax : Self.startSecondsMax
        guard now - watch.heardAt > limit else { return }
        display.note(
            "rondo: the server (process id \(server.identifier)) has not answered for \(Int(limit)) s and is killed")
        watch.heardAt = now
        server.destroy()
    }

    /// The server has answered.
    func noteAnswer(now: Double) {
        watch.heardAt = now
        watch.hasAnswered = true
    }
}
