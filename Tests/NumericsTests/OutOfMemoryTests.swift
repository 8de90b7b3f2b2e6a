// Memory that cannot be had.

import Testing

@testable import Numerics

@Suite("memory that cannot be had")
struct OutOfMemoryTests {
    @Test("ends the process with exit code 70 and one line, not with a trap")
    func large() async throws {
        let result = try #require(
            await #expect(processExitsWith: .exitCode(70), observing: [\.standardErrorContent]) {
                _ = Buffer<Float>(count: 1 << 60)
            })
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(text.contains("out of memory: 4611686018427387904 bytes"), "\(text)")
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test("a size beyond all numbers is memory that cannot be had, too")
    func beyond() async {
        await #expect(processExitsWith: .exitCode(70)) { _ = Buffer<Float>(count: .max) }
    }
}
