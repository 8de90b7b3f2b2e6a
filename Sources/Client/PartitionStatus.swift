// What a process that holds a part of the parameters is doing.

import Platform
import WireProtocol

/// One look at a server process that holds a part of the parameters.
public struct PartitionStatus: Sendable, Equatable, Codable {
    /// Where it listens.
    public var endpoint: String
    /// The chunks of parameters that it owns: the first, and one past the last.
    public var chunks: [Int]
    /// How many parameters these are.
    public var parameters: Int
    /// Memory of its process.
    public var residentBytes: Int
    /// Since the server last heard it.
    public var silentSeconds: Double
    /// Where its time went since it started, by activity.
    public var seconds: [String: Double]
}

extension PartitionStatus {
    init(_ wire: WirePartitionStatus) {
        endpoint = ForeignText.shown(wire.endpoint, bytesMax: ForeignText.nameBytesMax)
        chunks = [Int(wire.chunks.lower), Int(wire.chunks.upper)]
        parameters = ForeignNumber.count(wire.parameters)
        residentBytes = ForeignNumber.count(wire.residentBytes)
        silentSeconds = ForeignNumber.seconds(wire.silentSeconds)
        seconds = RunStatus.seconds(wire.seconds)
    }
}
