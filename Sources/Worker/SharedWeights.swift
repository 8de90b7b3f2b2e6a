// Weights that servers of this machine share.

import Platform
import WireProtocol

/// The memory of servers, opened when a message first names it.
struct SharedWeights {
    private var memories: [String: SharedMemory] = [:]

    /// The bytes of the server's memory that a message names.
    ///
    /// - Throws: `SharedMemoryError` if it cannot be opened.
    mutating func bytes(_ address: WireSharedMemoryAddress) throws(SharedMemoryError) -> UnsafeRawBufferPointer {
        if let known = memories[address.token] { return UnsafeRawBufferPointer(known.bytes) }
        let memory = try SharedMemory(
            opening: SharedMemory.Address(
                process: Int(clamping: address.process), descriptor: Int(clamping: address.descriptor),
                token: address.token), writable: false)
        memories[address.token] = memory
        return UnsafeRawBufferPointer(memory.bytes)
    }
}

extension WireSharedMemoryAddress {
    init(_ address: SharedMemory.Address) {
        self.init()
        process = UInt64(address.process)
        descriptor = UInt64(address.descriptor)
        token = address.token
    }
}
