// How the programs are linked.

import Foundation
import Testing

@Suite("linking")
struct HardeningTests {
    @Test(
        "programs lie at random addresses, bind all of their own at the start, and cannot change them afterwards",
        .enabled(if: access("/usr/bin/readelf", X_OK) == 0, "SKIPPED: no readelf here"),
        arguments: [Program.rondo, .server, .worker])
    func hardened(program: Program) throws {
        let scratch = try Scratch()
        let reading = try RunningProgram(path: "/usr/bin/readelf", ["-hldW", program.url.path], in: scratch).wait()
        #expect(reading.code == 0, "\(reading)")
        let text = reading.output
        #expect(text.contains("Position-Independent Executable") || text.contains("DYN "))
        #expect(text.contains("GNU_RELRO") && text.contains("NOW"))
        // Neither writable nor executable memory for the stack.
        let stack = text.split(separator: "\n").first { $0.contains("GNU_STACK") }
        #expect(stack?.contains("RWE") == false)
    }
}
