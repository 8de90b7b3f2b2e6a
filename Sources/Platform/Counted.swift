// Numbers of things in sentences.

/// A number and what is counted, in the plural where it is one.
///
///     Counted.text(1, "line")                             // "1 line"
///     Counted.text(3, "line")                             // "3 lines"
///     Counted.text(2, "entry", plural: "entries")         // "2 entries"
public enum Counted {
    /// Both, with a blank between.
    ///
    /// - Parameter plural: for words that do not take an `s`.
    public static func text(_ count: Int, _ singular: String, plural: String? = nil) -> String {
        "\(count) \(noun(count, singular, plural: plural))"
    }

    /// What is counted alone, for numbers that are written in another way.
    public static func noun(_ count: Int, _ singular: String, plural: String? = nil) -> String {
        count == 1 ? singular : plural ?? singular + "s"
    }
}
