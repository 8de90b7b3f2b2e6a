// The log of a simulation: a digest of everything that happened, and the text of it on request.

/// Notes events. The digest tells whether two simulations went the same way.
final class EventLog {
    /// FNV-1a over times and words of all events.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The number of events.
    private(set) var count = 0
    private let write: ((String) -> Void)?

    /// Whether the text of events is wanted.
    var isVerbose: Bool { write != nil }

    /// A log; `write` gets its lines.
    init(write: ((String) -> Void)?) { self.write = write }

    /// Notes an event of a node. `numbers` and `kind` count for the digest, the text does not.
    func note(_ time: UInt64, _ node: Int, _ kind: Int, _ number: Int = 0, _ text: @autoclosure () -> String) {
        count += 1
        mix(time)
        mix(UInt64(truncatingIfNeeded: node &* 1_000_003 &+ kind))
        mix(UInt64(truncatingIfNeeded: number))
        guard let write else { return }
        let microseconds = time / 1000
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        write("\(microseconds / 1_000_000).\(fraction) \(text())")
    }

    /// Notes a line that does not count for the digest.
    func remark(_ time: UInt64, _ text: String) {
        let microseconds = time / 1000
        let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
        write?("\(microseconds / 1_000_000).\(fraction)     \(text)")
    }

    private func mix(_ value: UInt64) {
        digest = (digest ^ value) &* 0x0000_0100_0000_01B3
        digest ^= digest >> 29
    }
}

/// What is noted in the log, by its number.
enum LogKind {
    static let start = 1, end = 2, crash = 3, send = 4, arrive = 5, lost = 6, connect = 7, disconnect = 8, fault = 9
    static let disk = 10, milestone = 11, verdict = 12
}
