// Text that somebody else wrote, made fit for a terminal and a log.

/// Text from a peer or a file: at most so many bytes, with nothing in it that a terminal would obey.
///
///     ForeignText.shown("worker\u{1B}[2J")                // "worker\u{1B}[2J" as seven visible characters, \e[2J
///     ForeignText.limited(name, bytesMax: 64)             // whole characters, at most 64 bytes
///
/// Every name, reason or symbol that was not written by this program goes through one of the two before it is kept,
/// logged or shown.
public enum ForeignText {
    /// The limit of a name, in bytes of UTF-8.
    public static let nameBytesMax = 200
    /// The limit of a message, in bytes of UTF-8.
    public static let messageBytesMax = 2000

    /// The text on one line: control characters, invisible marks of direction and line ends are written as escapes
    /// (`\e`, `\r`, `\u{7}`), and what is beyond the limit is replaced by `…`.
    public static func shown(_ text: String, bytesMax: Int = messageBytesMax) -> String {
        var result = String.UnicodeScalarView()
        var bytes = 0
        for scalar in text.unicodeScalars {
            let piece = isVisible(scalar) ? String(scalar) : escape(scalar)
            bytes += piece.utf8.count
            guard bytes <= bytesMax else {
                result.append("…")
                break
            }
            result.append(contentsOf: piece.unicodeScalars)
        }
        return String(result)
    }

    /// The longest beginning of the text that has at most so many bytes and ends between two scalars.
    public static func limited(_ text: String, bytesMax: Int = nameBytesMax) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: max(0, bytesMax))
        while end > text.startIndex, UTF8.isContinuation(text.utf8[end]) { end = text.utf8.index(before: end) }
        return String(text.unicodeScalars[..<end])
    }

    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        // Joiners belong to the writing of several languages; marks that turn the direction of text hide what it says.
        case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
        default: true
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\u{1B}": "\\e"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
}
