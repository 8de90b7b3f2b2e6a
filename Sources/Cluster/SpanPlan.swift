// The division of shards among workers.

import Numerics

/// Divides contiguous shards among workers. The division changes no bit of a result, only the time it takes.
public enum SpanPlan {
    /// A division that was good before stays while it would take no longer than this times the best one: measured
    /// speeds tremble, and a shard that moves takes its carried state along.
    private static let tolerance = 1.1

    /// Cuts `range` into spans, in the order of the workers, so that the last of them is done as early as possible.
    /// Workers without a span get `nil`.
    ///
    /// Shards are alike, and so handing each in turn to the worker that would be done with it first is optimal
    /// (list scheduling on uniform machines; Horowitz and Sahni 1976).
    ///
    ///     SpanPlan.divide(ShardRange(0, 8), speeds: [1, 3])       // [0 ..< 2, 2 ..< 8]
    ///
    /// - Parameters:
    ///   - speeds: shards a second of each worker, above 0; only their ratios count. Earlier workers win ties.
    ///   - previous: how many shards each had in the last division, which is kept if it is about as good.
    public static func divide(_ range: ShardRange, speeds: [Double], previous: [Int] = []) -> [ShardRange?] {
        guard !speeds.isEmpty else { return [] }
        var counts = Array(repeating: 0, count: speeds.count)
        for _ in range.indices {
            var best = 0
            for worker in speeds.indices where finish(counts, worker, speeds) < finish(counts, best, speeds) {
                best = worker
            }
            counts[best] += 1
        }
        if previous.count == speeds.count, previous.reduce(0, +) == range.count,
            duration(previous, speeds) <= tolerance * duration(counts, speeds)
        {
            counts = previous
        }
        var start = range.lower
        return counts.map { count in
            guard count > 0 else { return nil }
            defer { start += count }
            return ShardRange(start, start + count)
        }
    }

    /// When a worker would be done if it had one shard more.
    private static func finish(_ counts: [Int], _ worker: Int, _ speeds: [Double]) -> Double {
        Double(counts[worker] + 1) / speeds[worker]
    }

    private static func duration(_ counts: [Int], _ speeds: [Double]) -> Double {
        zip(counts, speeds).reduce(0) { max($0, Double($1.0) / $1.1) }
    }
}
