// How long the lines of a text are.

/// The lengths of lines in tokens, counted: exactly up to 512, beyond in classes of at most a sixteenth of their size,
/// rounded up.
public struct LineLengths: Sendable, Equatable {
    /// How many lines have a length of each class.
    private var counts: [Int]
    /// The number of lines.
    public private(set) var lines = 0
    /// The longest line.
    public private(set) var longest = 0

    private static let exactMax = 512
    /// Sixteen classes for each doubling.
    private static let classesOfOctave = 16

    /// No lines yet.
    public init() { counts = [Int](repeating: 0, count: Self.exactMax + 1) }

    /// Counts a line.
    public mutating func note(_ length: Int) {
        let place = Self.place(of: max(0, length))
        if place >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: place + 1 - counts.count))
        }
        counts[place] += 1
        lines += 1
        longest = max(longest, length)
    }

    /// The tokens of the longest `count` lines, none of them counted for more than `lengthMax`: at least what they are,
    /// and at most a sixteenth more.
    public func tokensOfLongest(_ count: Int, lengthMax: Int) -> Int {
        var (left, sum) = (count, 0)
        for place in counts.indices.reversed() where counts[place] > 0 && left > 0 {
            let taken = min(left, counts[place])
            let (tokens, overflows) = taken.multipliedReportingOverflow(
                by: min(Self.lengthMax(ofPlace: place), lengthMax, longest))
            sum = overflows ? .max : sum.addingReportingOverflow(tokens).overflow ? .max : sum + tokens
            if sum == .max { return sum }
            left -= taken
        }
        return sum
    }

    private static func place(of length: Int) -> Int {
        guard length > exactMax else { return length }
        // 513 is the first length of the first class above the exact ones.
        let octave = Int.bitWidth - 1 - (length - 1).leadingZeroBitCount
        let width = (1 << octave) / classesOfOctave
        return exactMax + 1 + (octave - 9) * classesOfOctave + ((length - 1) - (1 << octave)) / width
    }

    private static func lengthMax(ofPlace place: Int) -> Int {
        guard place > exactMax else { return place }
        let (octave, part) = (place - exactMax - 1).quotientAndRemainder(dividingBy: classesOfOctave)
        let start = 1 << (octave + 9)
        return start + (part + 1) * (start / classesOfOctave)
    }
}
