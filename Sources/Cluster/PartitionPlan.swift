// The division of parameters among partitions.

/// Divides the chunks of a model among the server processes that hold its parameters. The division changes no bit of a
/// result: chunks are reduced and updated independently, and their norms are added in the order of the chunks.
public enum PartitionPlan {
    /// Cuts the chunks `0..<sizes.count` into `partitions` contiguous, non-empty ranges, in order, of about equally
    /// many elements: each range ends where the running sum comes nearest to its share.
    ///
    ///     PartitionPlan.divide(sizes: [4, 1, 1, 2], partitions: 2)     // [0..<1, 1..<4]
    ///
    /// - Parameter sizes: the elements of each chunk, in order.
    /// - Returns: `nil` if there are fewer chunks than partitions, or no partition.
    public static func divide(sizes: [Int], partitions: Int) -> [Range<Int>]? {
        guard partitions > 0, partitions <= sizes.count else { return nil }
        var ranges: [Range<Int>] = []
        var (start, sum, left) = (0, 0, sizes.reduce(0, +))
        for partition in 0..<partitions {
            let others = partitions - partition - 1
            // An equal share of what is left, so that one large chunk does not starve those after it.
            let share = Double(left) / Double(others + 1)
            var end = start
            sum = 0
            while end < sizes.count - others {
                let isNearer = Double(sum + sizes[end]) - share <= share - Double(sum)
                guard end == start || isNearer || others == 0 else { break }
                sum += sizes[end]
                end += 1
            }
            ranges.append(start..<end)
            start = end
            left -= sum
        }
        return ranges
    }
}
