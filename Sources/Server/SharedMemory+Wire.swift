// Addresses of shared memory in messages.

import Platform
import WireProtocol

extension SharedMemory {
    /// Opens what a worker says it shares; `nil` if it is not on this machine, or not the same user's.
    convenience init?(_ address: WireSharedMemoryAddress?) {
        guard let address else { return nil }
        do {
            try self.init(
                opening: Address(
                    process: Int(clamping: address.process), descriptor: Int(clamping: address.descriptor),
                    token: address.token), writable: true)
        } catch {
            return nil
        }
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
