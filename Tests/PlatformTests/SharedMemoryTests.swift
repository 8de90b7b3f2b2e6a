// Memory shared between processes.

import Platform
import Testing

#if os(Linux)
@Suite("Shared memory")
struct SharedMemoryTests {
    @Test("shows to whoever opens it what its maker writes, and the other way round")
    func bothSides() throws {
        let mine = try SharedMemory(byteCount: 10_000)
        #expect(mine.bytes.allSatisfy { $0 == 0 })
        let theirs = try SharedMemory(opening: mine.address, writable: true)
        #expect(theirs.bytes.count == 10_000)
        mine.bytes[17] = 42
        theirs.bytes[9_999] = 7
        #expect(theirs.bytes[17] == 42)
        #expect(mine.bytes[9_999] == 7)
    }

    @Test("lives on for those who opened it when its maker has gone")
    func outlivesMaker() throws {
        var mine: SharedMemory? = try SharedMemory(byteCount: 100)
        mine?.bytes[3] = 9
        let theirs = try SharedMemory(opening: mine!.address, writable: false)
        mine = nil
        #expect(theirs.bytes[3] == 9)
    }

    @Test("is not opened under another token, process or descriptor")
    func wrongAddress() throws {
        let mine = try SharedMemory(byteCount: 100)
        var address = mine.address
        address.token += "0"
        #expect(throws: SharedMemoryError.self) { try SharedMemory(opening: address, writable: false) }
        address = mine.address
        address.descriptor = 0
        #expect(throws: SharedMemoryError.self) { try SharedMemory(opening: address, writable: false) }
        address = mine.address
        address.process = 0
        #expect(throws: SharedMemoryError.self) { try SharedMemory(opening: address, writable: false) }
        // Nor is any other file of this process that a stranger might name.
        address = SharedMemory.Address(process: CurrentProcess.identifier, descriptor: 1, token: "pipe:[1]")
        #expect(throws: SharedMemoryError.self) { try SharedMemory(opening: address, writable: false) }
    }

    @Test("leaves no descriptor behind")
    func closes() throws {
        let first = try SharedMemory(byteCount: 1).address.descriptor
        for _ in 0..<2000 {
            let mine = try SharedMemory(byteCount: 1)
            _ = try SharedMemory(opening: mine.address, writable: false)
        }
        // Other tests of this process may hold some.
        #expect(try SharedMemory(byteCount: 1).address.descriptor < first + 500)
    }
}
#endif
