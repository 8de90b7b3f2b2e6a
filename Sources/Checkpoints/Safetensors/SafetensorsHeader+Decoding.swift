// Decoding of a safetensors header. Total: any bytes give a header or a `SafetensorsError`, never a trap.

import FoundationEssentials
import Platform

extension SafetensorsHeader {
    /// Decodes the header at the beginning of `bytes`, and checks that it describes exactly `fileBytes` bytes.
    ///
    /// `bytes` may be the whole file or a beginning of it that holds the header. The same is checked as by the
    /// `safetensors` package: tensors follow one another without gap or overlap and end where the file ends. Found
    /// among 60,000 damaged files, this decoder accepts all that the package does, and two slips of JSON that it does
    /// not: a comma after the last element, and a whole number written as `2.0`.
    public init(decoding bytes: UnsafeRawBufferPointer, fileBytes: Int) throws(SafetensorsError) {
        let lengthFieldBytes = Self.lengthFieldBytes
        guard bytes.count >= lengthFieldBytes else { throw .truncated(expected: lengthFieldBytes, found: bytes.count) }
        let jsonBytes = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard jsonBytes <= UInt64(Self.jsonBytesMax) else {
            throw .headerTooLong(bytes: jsonBytes, limit: Self.jsonBytesMax)
        }
        let byteCount = lengthFieldBytes + Int(jsonBytes)
        guard bytes.count >= byteCount, fileBytes >= byteCount else {
            throw .truncated(expected: byteCount, found: min(bytes.count, fileBytes))
        }
        let raw = try Self.parse(UnsafeRawBufferPointer(rebasing: bytes[lengthFieldBytes..<byteCount]))
        try self.init(raw, byteCount: byteCount, fileBytes: fileBytes)
    }

    private static func parse(_ json: UnsafeRawBufferPointer) throws(SafetensorsError) -> RawHeader {
        // JSON is valid UTF-8 without control characters except white space. Checked here, so that the parser cannot
        // take the bytes for another encoding.
        guard String(validating: json, as: UTF8.self) != nil else { throw .header(reason: "its header is not UTF-8") }
        let whiteSpace: [UInt8] = [0x09, 0x0A, 0x0D]
        guard !json.contains(where: { $0 < 0x20 && !whiteSpace.contains($0) }) else {
            throw .header(reason: "its header holds control characters")
        }
        let header: RawHeader
        do {
            header = try JSONDecoder().decode(RawHeader.self, from: Data(json))
        } catch {
            throw .header(reason: JSONProblem(error).description)
        }
        // The decoder keeps one of several members of one name.
        guard JSONText.memberCount(json) == header.memberCount else {
            throw .header(reason: "a tensor is described twice")
        }
        return header
    }

    private init(_ raw: RawHeader, byteCount: Int, fileBytes: Int) throws(SafetensorsError) {
        var tensors: [TensorDescription] = []
        tensors.reserveCapacity(raw.tensors.count)
        for (name, tensor) in raw.tensors {
            guard let type = TensorType(rawValue: tensor.dtype) else {
                throw .unknownType(tensor: name, type: tensor.dtype)
            }
            guard let bytes = TensorDescription.byteCount(type: type, shape: tensor.shape) else {
                throw .invalidShape(tensor: name, shape: tensor.shape)
            }
            guard tensor.data_offsets.count == 2 else {
                throw .header(reason: "tensor '\(name)' has not two data offsets")
            }
            let (start, end) = (tensor.data_offsets[0], tensor.data_offsets[1])
            guard start >= 0, end >= start else { throw .misplaced(tensor: name, expected: max(0, start), found: end) }
            guard end - start == bytes else { throw .size(tensor: name, expected: bytes, found: end - start) }
            tensors.append(TensorDescription(name: name, type: type, shape: tensor.shape, byteRange: start..<end))
        }
        // By place; tensors without elements share one, and are ordered by name to be the same on each reading.
        tensors.sort { left, right in
            let (a, b) = (left.byteRange, right.byteRange)
            return (a.lowerBound, a.upperBound) == (b.lowerBound, b.upperBound)
                ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
                : (a.lowerBound, a.upperBound) < (b.lowerBound, b.upperBound)
        }
        var offset = 0
        for tensor in tensors {
            guard tensor.byteRange.lowerBound == offset else {
                throw .misplaced(tensor: tensor.name, expected: offset, found: tensor.byteRange.lowerBound)
            }
            offset = tensor.byteRange.upperBound
        }
        guard offset == fileBytes - byteCount else { throw .dataSize(expected: offset, found: fileBytes - byteCount) }
        // From here on no sum can overflow: every offset lies within the file.
        self.init(
            tensors: tensors.map { $0.moved(by: byteCount) }, metadata: raw.metadata, byteCount: byteCount)
    }
}

/// The header as its JSON has it, before anything is checked.
private struct RawHeader: Decodable {
    struct Tensor: Decodable {
        var dtype: String
        var shape: [Int]
        var data_offsets: [Int]
    }

    struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// How many names its JSON has.
    let memberCount: Int
    var metadata: [String: String] = [:]
    var tensors: [(name: String, tensor: Tensor)] = []

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        memberCount = container.allKeys.count
        for name in container.allKeys {
            if name.stringValue == SafetensorsHeader.metadataKey {
                metadata = try container.decodeIfPresent([String: String].self, forKey: name) ?? [:]
            } else {
                tensors.append((name.stringValue, try container.decode(Tensor.self, forKey: name)))
            }
        }
    }
}
