// Numbers that somebody else wrote, made fit for arithmetic.

/// Numbers from a peer or a file, within limits in which nothing that is done with them can overflow.
///
///     ForeignNumber.count(status.step)                    // at most 10^15: ten thousand times it fits
///     ForeignNumber.seconds(status.uptimeSeconds)         // finite, not negative, at most 10^12
///
/// Every number of a message that a program computes with goes through one of these, or is compared with what is right.
public enum ForeignNumber {
    /// The largest count: no real one comes near, and a `Double` holds it exactly.
    public static let countMax = 1_000_000_000_000_000
    /// The largest time in seconds, and the largest of any measured value.
    public static let valueMax = 1e12

    /// A count: steps, bytes, tokens.
    public static func count(_ value: some BinaryInteger) -> Int { min(countMax, max(0, Int(clamping: value))) }

    /// A time, or another measured value that is not negative; 0 for what is no number.
    public static func seconds(_ value: Double) -> Double { value.isNaN ? 0 : min(valueMax, max(0, value)) }
}
