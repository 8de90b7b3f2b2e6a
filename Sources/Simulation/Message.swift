// A message on its way, and what its header says.

/// Frames, and as much of the header as the log and the checks want.
struct Message {
    var frames: [[UInt8]]
    var summary: HeaderSummary

    init(_ frames: [[UInt8]], headerAt index: Int) {
        self.frames = frames
        summary = index < frames.count ? HeaderSummary(frames[index]) : HeaderSummary([])
    }
}

/// Some fields of a header, read without decoding all of it.
struct HeaderSummary {
    /// The number of the body's field in `Header`; 0 for none.
    var kind = 0
    var incarnation = 0
    /// The first three fields of the body, where they are numbers: for most kinds the step or version is among them.
    var numbers = [0, 0, 0]

    init(_ bytes: [UInt8]) {
        var place = 0
        func number() -> Int {
            var value = 0
            var shift = 0
            while place < bytes.count, shift < 63 {
                let byte = bytes[place]
                place += 1
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift += 7
            }
            return value
        }
        while place < bytes.count {
            let key = number()
            switch key & 7 {
            case 0:
                let value = number()
                if key >> 3 == 3, kind == 0 { incarnation = value }
                if kind != 0, key >> 3 <= 3, key >> 3 > 0 { numbers[key >> 3 - 1] = value }
            case 2:
                let length = number()
                if kind == 0, key >> 3 >= 10 {
                    kind = key >> 3
                } else {
                    place += length
                }
            case 1: place += 8
            case 5: place += 4
            default: return
            }
        }
    }

    var name: String { Self.names[kind] ?? "message \(kind)" }

    private static let names = [
        10: "hello", 11: "ready", 12: "push", 13: "span done", 14: "heartbeat", 15: "leave", 16: "data request",
        17: "computation failed", 18: "attach", 19: "pushes", 20: "welcome", 21: "refusal", 22: "lease", 23: "weights",
        24: "data block", 25: "goodbye", 26: "heartbeat reply", 27: "attached", 30: "status request",
        34: "stop request", 40: "status", 43: "acknowledgement", 50: "assignment", 51: "state", 52: "apply",
        53: "send", 54: "fetch", 55: "ping", 56: "forget", 57: "restart",
        60: "report", 61: "reduced", 62: "applied", 63: "values", 64: "suspicion",
    ]
}

extension HeaderSummary: CustomStringConvertible {
    var description: String {
        "\(name)\(numbers == [0, 0, 0] ? "" : " \(numbers[0]),\(numbers[1]),\(numbers[2])") of life \(incarnation)"
    }
}
