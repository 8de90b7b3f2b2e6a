// Those who watch a run, and are to learn how it ended.

import Messaging

/// The clients that asked for the status lately.
struct Watchers {
    /// How long ago somebody may have asked: `rondo monitor` asks every 10 s at least.
    private static let recentSeconds = 30.0
    /// The most that are remembered; of a flood of askers the first.
    private static let countMax = 1024

    private var askedAt: [RoutingIdentifier: Double] = [:]

    /// Somebody asked.
    mutating func note(_ peer: RoutingIdentifier, now: Double) {
        if askedAt.count >= Self.countMax, askedAt[peer] == nil {
            askedAt = askedAt.filter { now - $0.value < Self.recentSeconds }
            guard askedAt.count < Self.countMax else { return }
        }
        askedAt[peer] = now
    }

    /// Those who asked lately.
    func recent(now: Double) -> [RoutingIdentifier] {
        askedAt.filter { now - $0.value < Self.recentSeconds }.map(\.key)
    }
}
