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

    /// The encoding of one byte a character that the bytes of a text speak for, as `iconv` calls it: `latin1` or
    /// `windows-1252`; `nil` where they speak for none of the two.
    ///
    ///     TextEncoding.eightBit(Array("caf".utf8) + [0xE9, 0x0A], faultAt: 3)     // "latin1"
    ///
    /// - Parameter faultAt: where the text ceases to be UTF-8. What is not ASCII before was UTF-8, so that the text is
    ///   damaged there rather than written in another way.
    public static func eightBit(_ bytes: some Collection<UInt8>, faultAt: Int) -> String? {
        let bytes = Array(bytes)
        let marks = bytes.filter { $0 >= 0x80 }
        let isWestern =
            bytes.prefix(max(0, faultAt)).allSatisfy { $0 < 0x80 }
            && bytes.allSatisfy { $0 >= 0x20 || (0x09...0x0D).contains($0) || $0 == 0x1B }
            // Other alphabets have hardly a letter in ASCII.
            && marks.count * 3 <= bytes.count
        guard isWestern, !marks.isEmpty else { return nil }
        // In Latin-1 these are control characters; Windows has quotation marks and dashes there, and five gaps.
        guard marks.contains(where: { $0 < 0xA0 }) else { return "latin1" }
        return marks.contains { [0x81, 0x8D, 0x8F, 0x90, 0x9D].contains($0) } ? nil : "windows-1252"
    }

    /// Where bytes cease to be UTF-8: the place of the first character that is none, counted from 0; `nil` if all are.
    public static func fault(in bytes: [UInt8]) -> Int? {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }

    /// What to do about a text that is not UTF-8, as a part of a sentence.
    ///
    /// - Parameter encoding: the one that it is likely to be in, as `iconv` calls it.
    public static func advice(_ encoding: String?) -> String {
        guard let encoding else { return "convert it to UTF-8 (iconv -f ENCODING -t utf-8)" }
        let name = encoding == "latin1" ? "Latin-1" : "Windows-1252"
        return "it looks like \(name): convert it to UTF-8 (iconv -f \(encoding) -t utf-8)"
    }

    /// What is wrong with a text in which a zero byte was found, and what to do: the end of a message.
    public static func zeroByteAdvice(_ start: some Collection<UInt8>) -> String {
        let name = other(start)
        let command = "iconv -f \((name ?? "UTF-16").lowercased()) -t utf-8"
        return name.map { "the text is in \($0); convert it to UTF-8 (\(command))" }
            ?? "is it UTF-16? Convert it to UTF-8 (\(command))"
    }
}
