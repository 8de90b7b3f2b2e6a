// One line of the ledger: a record, and the fingerprint of the line before it.

import Crypto
import Foundation
import Platform

/// The fingerprint of a line: the first 16 hexadecimal digits of the SHA-256 of its bytes.
struct LineDigest: Hashable, Sendable, Decodable, CustomStringConvertible {
    private let value: UInt64

    /// What the first line names.
    static let none = LineDigest(value: 0)

    private init(value: UInt64) { self.value = value }

    /// The fingerprint of a line, without its end.
    init(of line: some Collection<UInt8>) {
        var hash = SHA256()
        if line.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
            hash.update(data: Data(line))
        }
        value = hash.finalize().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard text.utf8.count == 16, let value = UInt64(text, radix: 16), text == Self(value: value).description else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not 16 lower-case hexadecimal digits"))
        }
        self.value = value
    }

    var description: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// A record in its place.
struct LedgerLine: Decodable {
    /// The fingerprint of the line before.
    var previous: LineDigest
    var record: LedgerRecord

    private enum CodingKeys: String, CodingKey { case previous }

    init(previous: LineDigest, record: LedgerRecord) {
        self.previous = previous
        self.record = record
    }

    init(from decoder: any Decoder) throws {
        previous = try decoder.container(keyedBy: CodingKeys.self).decode(LineDigest.self, forKey: .previous)
        record = try LedgerRecord(from: decoder)
    }

    /// The bytes of the line without its end; numbers are written so that reading gives them back to the last bit.
    ///
    /// - Throws: If a number is not finite.
    func encoded() throws(LedgerLineError) -> [UInt8] {
        let text = LineText {
            $0.field("previous", previous.description)
            record.write(to: &$0)
        }
        if let number = text.unwritable { throw LedgerLineError(reason: "holds the number \(number)") }
        return text.bytes
    }

    /// Reads a line. Total: anything else than a line of ours is an error with a reason.
    static func decode(_ bytes: some Collection<UInt8>) throws(LedgerLineError) -> LedgerLine {
        guard bytes.count <= LedgerLimits.lineBytesMax else {
            throw LedgerLineError(reason: "\(bytes.count) bytes; at most \(LedgerLimits.lineBytesMax) are read")
        }
        do {
            return try JSONDecoder().decode(LedgerLine.self, from: Data(bytes))
        } catch {
            throw LedgerLineError(reason: JSONProblem(error).description)
        }
    }
}

/// Why a line makes no sense.
struct LedgerLineError: Error, Equatable {
    var reason: String
}
