// The division of shards among workers.

import Numerics

/// Divides contiguous shards among workers. The division changes no bit of a result, only the time it takes.
public enum SpanPlan {
    /// Cuts `range` into at most `weights.count` non-empty spans in order, in proportion to the weights (largest
    /// remainders get the rest; earlier workers win ties). Workers without a span get `nil`.
    public static func divide(_ range: ShardRange, weights: [Double]) -> [ShardRange?] {
        guard !weights.isEmpty else { return [] }
        let total = weights.reduce(0, +)
        let ideal = weights.map { total > 0 ? Double(range.count) * $0 / total : 0 }
        var counts = ideal.map { Int($0) }
        let byRemainder = weights.indices.sorted {
            let left = ideal[$0] - Double(counts[$0])
            let right = ideal[$1] - Double(counts[$1])
            return left != right ? left > right : $0 < $1
        }
        var rest = range.count - counts.reduce(0, +)
        for index in byRemainder where rest > 0 {
            counts[index] += 1
            rest -= 1
        }
        var start = range.lower
        return counts.map { count in
            guard count > 0 else { return nil }
            defer { start += count }
            return ShardRange(start, start + count)
        }
    }
}
