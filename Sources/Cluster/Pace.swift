// How fast workers are, and how long things usually take.

/// The speed of a worker, in shards a second, as its last leases showed it.
struct WorkerSpeed: Sendable {
    /// How much the newest measurement counts.
    private static let weight = 0.3
    /// A worker that had no span is believed to become faster by this factor from step to step: what made it slow may
    /// have passed, and only a span can show it.
    private static let hopePerStep = 1.02

    /// `nil` before the first lease.
    private(set) var shardsPerSecond: Double?
    /// The speed is a hope, no measurement.
    private var isHope = false

    /// A lease of so many shards took so long.
    mutating func note(shards: Int, seconds: Double) {
        let measured = Double(shards) / max(seconds, 1e-6)
        shardsPerSecond = isHope ? measured : shardsPerSecond.map { $0 + Self.weight * (measured - $0) } ?? measured
        isHope = false
    }

    /// A step went by without a span.
    mutating func noteIdleStep() {
        shardsPerSecond = shardsPerSecond.map { $0 * Self.hopePerStep }
        isHope = true
    }
}

/// The median duration of the last steps: what is usual.
struct UsualDuration: Sendable {
    private static let countMax = 21
    private var recent: [Double] = []

    /// Something took so long.
    mutating func note(seconds: Double) {
        if recent.count == Self.countMax { recent.removeFirst() }
        recent.append(seconds)
    }

    /// The median in seconds; `nil` before there are `countMin` of them.
    func median(countMin: Int) -> Double? {
        recent.count < max(1, countMin) ? nil : recent.sorted()[recent.count / 2]
    }
}
