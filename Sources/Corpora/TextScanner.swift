// From bytes to characters and words, by hand: the loops that read whole corpora.

/// Receives what a text consists of, in order.
protocol TextSink {
    /// A Unicode scalar, or a byte where tokens are bytes.
    mutating func scalar(_ value: UInt32, at offset: Int) throws(ScanError)
    /// The bytes of a word.
    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ScanError)
    /// The end of a line, where lines matter.
    mutating func lineEnd() throws(ScanError)
}

/// What can go wrong while a text is read, with the offset of the byte.
enum ScanError: Error {
    case notUTF8(offset: Int)
    case zeroByte(offset: Int)
    case unknownScalar(UInt32, offset: Int)
    case tooManyWords
    case output(CorpusError)
}

/// Cuts pieces of a text. A piece ends where a symbol ends, see ``TextBoundary``; offsets count from the text's start.
///
/// These are byte loops over memory, not over `String`: iterating characters would segment grapheme clusters, which
/// is some fifty times slower and not what a token is.
enum TextScanner {
    /// Hands over all bytes that are symbols, and the line ends that are not.
    static func bytes<Sink: TextSink>(
        _ text: UnsafeRawBufferPointer, at base: Int, lineEnds: LineEnds, into sink: inout Sink
    ) throws(ScanError) {
        var place = 0
        while place < text.count {
            let byte = text[place]
            if lineEnds == .ends, let length = lineEndLength(text, place) {
                try sink.lineEnd()
                place &+= length
            } else {
                try sink.scalar(UInt32(byte), at: base &+ place)
                place &+= 1
            }
        }
    }

    /// Hands over all Unicode scalars, and line ends as ``bytes(_:at:lineEnds:into:)`` does.
    static func characters<Sink: TextSink>(
        _ text: UnsafeRawBufferPointer, at base: Int, lineEnds: LineEnds, into sink: inout Sink
    ) throws(ScanError) {
        var place = 0
        while place < text.count {
            let byte = text[place]
            if lineEnds == .ends, let length = lineEndLength(text, place) {
                try sink.lineEnd()
                place &+= length
            } else if lineEnds == .lineFeeds, byte == carriageReturn, lineEndLength(text, place) == 2 {
                place &+= 1
            } else if byte < 0x80 {
                try sink.scalar(UInt32(byte), at: base &+ place)
                place &+= 1
            } else {
                let (scalar, length) = UTF8Decoding.scalar(text, place)
                guard length > 0 else { throw .notUTF8(offset: base + place) }
                try sink.scalar(scalar, at: base &+ place)
                place &+= length
            }
        }
    }

    /// Hands over what stands between white space, and the ends of lines.
    static func words<Sink: TextSink>(
        _ text: UnsafeRawBufferPointer, at base: Int, into sink: inout Sink
    ) throws(ScanError) {
        var place = 0
        while place < text.count {
            let byte = text[place]
            if byte == newline {
                try sink.lineEnd()
                place &+= 1
                continue
            }
            let gap = try whiteSpaceLength(text, place, base)
            if gap > 0 {
                place &+= gap
                continue
            }
            let start = place
            while place < text.count {
                let byte = text[place]
                if byte > 0x20 && byte < 0x80 {
                    place &+= 1
                } else {
                    if try whiteSpaceLength(text, place, base) > 0 { break }
                    place &+= byte < 0x80 ? 1 : UTF8Decoding.scalar(text, place).length
                }
            }
            try sink.word(UnsafeRawBufferPointer(rebasing: text[start..<place]), at: base &+ start)
        }
    }

    private static let newline: UInt8 = 0x0A
    private static let carriageReturn: UInt8 = 0x0D

    @inline(__always)
    private static func lineEndLength(_ text: UnsafeRawBufferPointer, _ place: Int) -> Int? {
        let byte = text[place]
        if byte > carriageReturn { return nil }
        if byte == newline { return 1 }
        if byte == carriageReturn, place &+ 1 < text.count, text[place &+ 1] == newline { return 2 }
        return nil
    }

    /// The number of bytes of the white space at a place, 0 if there is none: Unicode's property White_Space.
    @inline(__always)
    private static func whiteSpaceLength(
        _ text: UnsafeRawBufferPointer, _ place: Int, _ base: Int
    ) throws(ScanError) -> Int {
        let byte = text[place]
        if byte < 0x80 { return byte == 0x20 || (0x09...0x0D).contains(byte) ? 1 : 0 }
        let (scalar, length) = UTF8Decoding.scalar(text, place)
        guard length > 0 else { throw .notUTF8(offset: base + place) }
        switch scalar {
        case 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: return length
        default: return 0
        }
    }
}

/// Where a piece of a text may end.
enum TextBoundary {
    /// After any byte.
    case byte
    /// After a whole character.
    case character
    /// After white space.
    case word

    /// The length of the longest beginning that ends at such a place, and not between the two bytes of a line end.
    func cut(_ text: UnsafeRawBufferPointer) -> Int {
        var end = text.count
        switch self {
        case .byte: break
        case .character: end -= UTF8Decoding.incompleteSuffixLength(text)
        case .word:
            while end > 0, !(text[end - 1] == 0x20 || (0x09...0x0D).contains(text[end - 1])) { end -= 1 }
        }
        if end > 1, text[end - 1] == 0x0D { end -= 1 }
        return end
    }
}
