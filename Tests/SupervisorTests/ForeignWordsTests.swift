// Texts and numbers of others, where they are shown.

import Logging
import Platform
import Testing

@testable import Supervisor

@Test("a log line shows names of others without anything that a terminal would obey, and not longer than is useful")
func logLinesAreClean() {
    let name = "\u{1B}[2J\u{7}evil\u{202E}" + String(repeating: "e\u{301}", count: 100_000)
    let line = LineLogHandler.line(time: "t", level: .notice, message: "worker joined", metadata: ["worker": "\(name)"])
    #expect(line.contains("\\e[2J\\u{7}evil\\u{202e}"))
    #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" })
    #expect(line.utf8.count < 2200)
}

@Test("lines of one kind are limited in rate, and the next one tells how many were left out")
func repeatedLinesAreCounted() {
    var limit = LogLimit()
    let taken = (0..<100_000).compactMap { _ in limit.take("worker joined", now: 10) }
    #expect(taken.count == 100 && taken.allSatisfy { $0 == 0 })
    #expect(limit.take("another kind", now: 10) == 0)
    #expect(limit.take("worker joined", now: 11) == 99_900)
    #expect(limit.take("worker joined", now: 11) == 0)
    #expect(limit.take("worker joined", now: 11) == nil)
    let kinds = (0..<100_000).compactMap { limit.take("kind \($0)", now: 12) }
    #expect(kinds.count < 500)
}

@Test("numbers of others are within limits in which nothing overflows")
func numbersAreClamped() {
    #expect(ForeignNumber.count(UInt64.max) == 1_000_000_000_000_000)
    #expect(ForeignNumber.count(-5) == 0 && ForeignNumber.count(UInt32(7)) == 7)
    #expect(ForeignNumber.seconds(.nan) == 0 && ForeignNumber.seconds(-.infinity) == 0)
    #expect(ForeignNumber.seconds(.infinity) == 1e12 && ForeignNumber.seconds(1.5) == 1.5)
}
