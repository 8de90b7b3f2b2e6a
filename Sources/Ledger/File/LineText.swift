// Writing one JSON object as one line: a step may last a millisecond, and Foundation's encoder took 50 µs of it.

/// A line that is being written. Fields stand in the order in which they are given.
struct LineText {
    private(set) var bytes: [UInt8] = []
    /// The first number that JSON cannot express.
    private(set) var unwritable: Double?
    private var needsComma = false

    /// An object with the fields that `body` adds.
    init(_ body: (inout LineText) -> Void) {
        bytes.reserveCapacity(512)
        object(body)
    }

    mutating func field(_ name: String, _ value: Int) {
        begin(name)
        bytes += "\(value)".utf8
    }

    mutating func field(_ name: String, _ value: UInt64) {
        begin(name)
        bytes += "\(value)".utf8
    }

    /// As few digits as give the number back to the last bit.
    mutating func field(_ name: String, _ value: Double) {
        begin(name)
        if !value.isFinite { unwritable = unwritable ?? value }
        bytes += value.description.utf8
    }

    mutating func field(_ name: String, _ value: String) {
        begin(name)
        quote(value)
    }

    mutating func field(_ name: String, _ values: [Int]) {
        begin(name)
        list(values) { text, value in text.bytes += "\(value)".utf8 }
    }

    mutating func field(_ name: String, _ values: [String: String]) {
        begin(name)
        object { text in for (key, value) in values.sorted(by: { $0.key < $1.key }) { text.field(key, value) } }
    }

    mutating func field(_ name: String, _ body: (inout LineText) -> Void) {
        begin(name)
        object(body)
    }

    mutating func field<Element>(
        _ name: String, _ elements: [Element], _ body: (inout LineText, Element) -> Void
    ) {
        begin(name)
        list(elements) { text, element in text.object { body(&$0, element) } }
    }

    private mutating func begin(_ name: String) {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = true
    }

    private mutating func object(_ body: (inout LineText) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    private mutating func list<Element>(_ elements: [Element], _ body: (inout LineText, Element) -> Void) {
        bytes.append(UInt8(ascii: "["))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            body(&self, element)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case ..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
