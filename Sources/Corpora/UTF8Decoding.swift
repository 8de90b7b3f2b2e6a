// One Unicode scalar at a time out of bytes that may be anything.

/// Strict decoding of UTF-8, by table 3-7 of the Unicode Standard: no overlong forms, no surrogates, nothing above
/// U+10FFFF.
enum UTF8Decoding {
    /// The scalar at a place and its number of bytes, which is 0 where there is none.
    @inline(__always)
    static func scalar(_ text: UnsafeRawBufferPointer, _ place: Int) -> (value: UInt32, length: Int) {
        let first = text[place]
        if first < 0x80 { return (UInt32(first), 1) }
        let length = expectedLength(first)
        guard length > 0, place &+ length <= text.count else { return (0, 0) }
        let second = text[place &+ 1]
        guard allowsSecond(first, second) else { return (0, 0) }
        let tail = UInt32(second & 0x3F)
        if length == 2 { return (UInt32(first & 0x1F) << 6 | tail, 2) }
        let third = text[place &+ 2]
        guard third & 0xC0 == 0x80 else { return (0, 0) }
        let longTail = tail << 6 | UInt32(third & 0x3F)
        if length == 3 { return (UInt32(first & 0x0F) << 12 | longTail, 3) }
        let fourth = text[place &+ 3]
        guard fourth & 0xC0 == 0x80 else { return (0, 0) }
        return (UInt32(first & 0x07) << 18 | longTail << 6 | UInt32(fourth & 0x3F), 4)
    }

    /// The number of bytes of a scalar that begins with this one, 0 if none does.
    @inline(__always)
    static func expectedLength(_ first: UInt8) -> Int {
        switch first {
        case 0x00..<0x80: return 1
        case 0xC2..<0xE0: return 2
        case 0xE0..<0xF0: return 3
        case 0xF0..<0xF5: return 4
        default: return 0
        }
    }

    /// Whether `second` may follow `first`.
    @inline(__always)
    static func allowsSecond(_ first: UInt8, _ second: UInt8) -> Bool {
        switch first {
        case 0xE0: return (0xA0..<0xC0).contains(second)
        case 0xED: return (0x80..<0xA0).contains(second)
        case 0xF0: return (0x90..<0xC0).contains(second)
        case 0xF4: return (0x80..<0x90).contains(second)
        default: return (0x80..<0xC0).contains(second)
        }
    }

    /// How many bytes at the end may be the beginning of a scalar whose rest is to come: 0 to 3.
    static func incompleteSuffixLength(_ text: UnsafeRawBufferPointer) -> Int {
        for length in 1...3 where length <= text.count {
            let place = text.count - length
            let first = text[place]
            if first & 0xC0 == 0x80 { continue }
            guard expectedLength(first) > length else { return 0 }
            return length == 1 || allowsSecond(first, text[place + 1]) ? length : 0
        }
        return 0
    }
}
