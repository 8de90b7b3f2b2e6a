// Numbers for people.

import Platform

/// Numbers as people read them.
public enum Readable {
    /// With so many digits behind the point.
    public static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        // Beyond 2^53 a `Double` has no fraction, and far beyond it does not fit into an `Int`.
        guard value.isFinite, value.magnitude * Double(scale) < 0x1p53 else { return "\(value)" }
        let whole = Int((value.magnitude * Double(scale)).rounded())
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % scale)
        return "\(sign)\(whole / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }

    /// A loss in nats, or a dash where there is none.
    public static func loss(_ value: Double?) -> String { value.map { fixed($0, 4) } ?? "–" }

    /// "412", "85.3k", "1.24M"
    public static func count(_ value: Double) -> String {
        switch value {
        case ..<1000: fixed(value, 0)
        case ..<99_950: fixed(value / 1000, 1) + "k"
        case ..<999_500: fixed(value / 1000, 0) + "k"
        default: fixed(value / 1_000_000, 2) + "M"
        }
    }

    /// "1,234,567"
    public static func grouped(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(Substring(digits.suffix(3)), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (value < 0 ? "-" : "") + ([Substring(digits)] + groups).joined(separator: ",")
    }

    /// "1 line", "1,234 lines"
    public static func counted(_ value: Int, _ singular: String, plural: String? = nil) -> String {
        "\(grouped(value)) \(Counted.noun(value, singular, plural: plural))"
    }

    /// "9 s", "4 min 5 s", "2 h 3 min"
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "–" }
        let whole = Int(max(0, seconds).rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    /// "4:05", "2:03:09"
    public static func clock(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "–" }
        let whole = Int(max(0, seconds).rounded())
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3600 { return "\(whole / 60):\(two(whole % 60))" }
        return "\(whole / 3600):\(two(whole % 3600 / 60)):\(two(whole % 60))"
    }

    /// "812 MB"
    public static func memory(_ bytes: Int) -> String {
        bytes < 10_000_000_000 ? "\(bytes / 1_000_000) MB" : fixed(Double(bytes) / 1e9, 1) + " GB"
    }
}
