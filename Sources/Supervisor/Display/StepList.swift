// Many steps in few words.

/// Ascending steps as people read them.
public enum StepList {
    /// Steps, or rows of them, that are shown at each end.
    private static let partsMax = 4
    /// As many equidistant steps become one row.
    private static let rowLengthMin = 4

    /// "5, 10, 20 to 500 every 10, 512": rows of steps at equal distances, and of many rows the first and last ones.
    public static func text(_ steps: [Int]) -> String {
        let parts = parts(steps)
        guard parts.count > 2 * partsMax else { return parts.joined(separator: ", ") }
        return (parts.prefix(partsMax) + ["…"] + parts.suffix(partsMax)).joined(separator: ", ")
    }

    private static func parts(_ steps: [Int]) -> [String] {
        var parts: [String] = []
        var start = 0
        while start < steps.count {
            var end = start + 1
            while end + 1 < steps.count, steps[end + 1] - steps[end] == steps[start + 1] - steps[start] { end += 1 }
            if end < steps.count, end - start + 1 >= rowLengthMin {
                let distance = steps[start + 1] - steps[start]
                let row = "\(Readable.grouped(steps[start])) to \(Readable.grouped(steps[end]))"
                parts.append(distance == 1 ? row : "\(row) every \(Readable.grouped(distance))")
                start = end + 1
            } else {
                parts.append(Readable.grouped(steps[start]))
                start += 1
            }
        }
        return parts
    }
}
