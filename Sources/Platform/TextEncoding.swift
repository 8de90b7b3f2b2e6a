// In which encoding a text is, by its first bytes: for texts that other systems wrote.

/// How texts of other systems begin. Rondo reads UTF-8, with or without a byte order mark.
///
///     TextEncoding.withoutMark([0xEF, 0xBB, 0xBF, 0x61])     // [0x61]
///     TextEncoding.other([0xFF, 0xFE, 0x61, 0x00])           // "UTF-16"
///     TextEncoding.other([0x61, 0x00, 0x62, 0x00])           // "UTF-16": every second byte is zero
///     TextEncoding.other([0x61, 0x62])                       // nil
public enum TextEncoding {
    /// What some systems write in front of UTF-8.
    public static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The text without a byte order mark in front.
    public static func withoutMark(_ bytes: [UInt8]) -> [UInt8] {
        bytes.starts(with: byteOrderMark) ? Array(bytes.dropFirst(byteOrderMark.count)) : bytes
    }

    /// The name of another Unicode encoding than UTF-8 that the first bytes of a text speak for; `nil` if none.
    public static func other(_ start: some Collection<UInt8>) -> String? {
        let bytes = Array(start.prefix(64))
        // The mark of UTF-32 begins as that of UTF-16.
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
        guard bytes.count >= 4 else { return bytes.count == 2 && bytes.contains(0) ? "UTF-16" : nil }
        let zeros = (0..<4).map { place in
            stride(from: place, to: bytes.count, by: 4).allSatisfy { bytes[$0] == 0 }
        }
        switch zeros {
        case [false, true, true, true], [true, true, true, false]: return "UTF-32"
        case [false, true, false, true], [true, false, true, false]: return "UTF-16"
        default: return nil
        }
    }

    /// What is wrong with a text in which a zero byte was found, and what to do: the end of a message.
    public static func zeroByteAdvice(_ start: some Collection<UInt8>) -> String {
        let name = other(start)
        let command = "iconv -f \((name ?? "UTF-16").lowercased()) -t utf-8"
        return name.map { "the text is in \($0); convert it to UTF-8 (\(command))" }
            ?? "is it UTF-16? Convert it to UTF-8 (\(command))"
    }
}
