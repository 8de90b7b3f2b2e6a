// What a server process refused, dropped, or ended.

import WireProtocol

/// What was refused or dropped, by reason; shown in status reports.
struct ServerCounters {
    var malformed = 0
    var wrongRun = 0
    var staleIncarnation = 0
    var unknownWorker = 0
    var stalePushes = 0
    var duplicatePushes = 0
    var workersLost = 0
    var workersLeft = 0
    var stepsRefused = 0
    var stepsRepeated = 0
    var unreachablePeers = 0
    var refusedKeys = 0
    /// Messages of peers whose keys do not allow what they say.
    var forbidden = 0
    /// Connections that were accepted: the only counter of something good.
    var connections = 0
    /// Connections that did not introduce themselves in time.
    var silentConnections = 0
    /// Connections that spoke another protocol, had the wrong keys, or broke while they introduced themselves.
    var failedHandshakes = 0
    /// Connections that introduced themselves and ended without a whole message: a frame too large, for example.
    var fruitlessConnections = 0
    /// Connections that this end cut, to keep its memory within bounds.
    var cutConnections = 0
    /// Answers that were not sent, because their reader has not taken the ones before.
    var droppedAnswers = 0
    /// Messages that were not sent, because the queue of their reader is full.
    var fullQueues = 0
    /// Snapshots that were not made, because clients still read too many others.
    var refusedSnapshots = 0
    /// Those who said hello when too many had.
    var refusedWorkers = 0

    var list: [(String, Int)] {
        [
            ("malformed", malformed), ("wrong-run", wrongRun), ("stale-incarnation", staleIncarnation),
            ("unknown-worker", unknownWorker), ("stale-pushes", stalePushes), ("duplicate-pushes", duplicatePushes),
            ("workers-lost", workersLost), ("workers-left", workersLeft), ("steps-refused", stepsRefused),
            ("steps-repeated", stepsRepeated),
            ("unreachable-peers", unreachablePeers), ("refused-keys", refusedKeys),
            ("forbidden", forbidden), ("connections", connections),
            ("silent-connections", silentConnections), ("failed-handshakes", failedHandshakes),
            ("fruitless-connections", fruitlessConnections), ("cut-connections", cutConnections),
            ("dropped-answers", droppedAnswers), ("full-queues", fullQueues), ("refused-snapshots", refusedSnapshots),
            ("refused-workers", refusedWorkers),
        ]
    }

    /// As messages carry them.
    var wire: [WireCounter] {
        list.map { WireCounter($0.0, $0.1) }
    }
}
