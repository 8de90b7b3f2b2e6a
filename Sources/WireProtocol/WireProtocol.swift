// The wire messages: one small Protocol Buffers header, then raw little-endian tensor frames.
//
// The header is described in rondo.proto, from which rondo.pb.swift is generated. Decoding is total: any byte string
// gives a header or a `WireError`.

internal import SwiftProtobuf

/// What is wrong with a message that came in.
package enum WireError: Error, Equatable, CustomStringConvertible {
    /// The header is not one of ours.
    case malformed(String)
    /// The peer speaks another version of the protocol.
    case protocolVersion(theirs: UInt32)

    package var description: String {
        switch self {
        case .malformed(let what): "malformed message: \(what)"
        case .protocolVersion(let theirs):
            "the peer speaks protocol version \(theirs), this program version \(WireLimits.protocolVersion); "
                + "use the same release of Rondo on all machines"
        }
    }
}

/// Bounds that every message keeps.
package enum WireLimits {
    /// The version of the protocol that this program speaks.
    package static let protocolVersion: UInt32 = 2
    /// Bytes of a tensor frame, at most.
    package static let tensorFrameBytesMaximum = 1 << 20
    /// Bytes of a header frame, at most (a vocabulary travels in it).
    package static let headerBytesMaximum = 64 << 20
    /// Frames of a message, at most: a header and a carried state for each shard.
    package static let framesMaximum = 4096
    /// Bytes of a worker's name, at most.
    package static let nameBytesMaximum = 200
    /// Activities whose seconds a worker reports, at most.
    package static let activitiesMaximum = 32
}

extension WireHeader {
    /// A header of this protocol version.
    package init(run: String, incarnation: UInt64, body: WireHeader.OneOf_Body) {
        self.init()
        protocolVersion = WireLimits.protocolVersion
        self.run = run
        self.incarnation = incarnation
        self.body = body
    }

    /// The bytes of the header frame.
    package func encoded() -> [UInt8] {
        do {
            return try serializedBytes()
        } catch {
            preconditionFailure("a header of our own making cannot be encoded: \(error)")
        }
    }

    /// Reads a header frame.
    ///
    /// - Throws: `WireError` if the bytes are no header of this protocol version with a body.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> WireHeader {
        guard bytes.count <= WireLimits.headerBytesMaximum else {
            throw .malformed("a header of \(bytes.count) bytes; at most \(WireLimits.headerBytesMaximum) are read")
        }
        let header: WireHeader
        do {
            header = try WireHeader(serializedBytes: [UInt8](bytes))
        } catch {
            throw .malformed("the header frame does not decode (\(bytes.count) bytes)")
        }
        guard header.protocolVersion == WireLimits.protocolVersion else {
            throw .protocolVersion(theirs: header.protocolVersion)
        }
        guard header.body != nil else { throw .malformed("a header without a body") }
        return header
    }
}
