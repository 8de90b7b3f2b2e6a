// The header of a safetensors file: the layout of tensors that are to be written, and its encoding.
//
// A file is the length of the header (8 bytes, little endian), the header (JSON, padded by spaces to a multiple of
// 8 bytes), and the tensors' bytes without gaps. `SafetensorsHeader+Decoding.swift` reads what this file writes.

/// The table of contents of a safetensors file.
public struct SafetensorsHeader: Equatable, Sendable {
    /// The tensors in the order of the file.
    public let tensors: [TensorDescription]
    /// Free text by key.
    public let metadata: [String: String]
    /// Where the tensors begin: the size of the length field and the padded JSON.
    public let byteCount: Int

    /// The size of the whole file.
    public var fileBytes: Int { tensors.last?.byteRange.upperBound ?? byteCount }

    /// The largest header that is read or written, in bytes: some fifty thousand tensors. The format allows 100 MB,
    /// which takes seconds and a gigabyte to decode, and which no model that Rondo can use needs.
    public static let jsonBytesMax = 4 << 20
    static let metadataKey = "__metadata__"
    static let lengthFieldBytes = 8

    init(tensors: [TensorDescription], metadata: [String: String], byteCount: Int) {
        self.tensors = tensors
        self.metadata = metadata
        self.byteCount = byteCount
    }

    /// Lays tensors out as the `safetensors` package does: wide elements first, then by name.
    ///
    /// Throws when a name is reserved or given twice, or when a shape is impossible.
    public init(
        layingOut declarations: [TensorDeclaration], metadata: [String: String] = [:]
    ) throws(SafetensorsError) {
        var names: Set<String> = [Self.metadataKey]
        var offset = 0
        var placed: [TensorDescription] = []
        placed.reserveCapacity(declarations.count)
        for declaration in declarations.sorted(by: Self.layoutOrder) {
            let name = declaration.name
            guard names.insert(name).inserted else { throw .invalidName(tensor: name) }
            guard let bytes = TensorDescription.byteCount(type: declaration.type, shape: declaration.shape),
                case (let end, let overflow) = offset.addingReportingOverflow(bytes), !overflow
            else { throw .invalidShape(tensor: name, shape: declaration.shape) }
            placed.append(
                TensorDescription(
                    name: name, type: declaration.type, shape: declaration.shape, byteRange: offset..<end))
            offset = end
        }
        let jsonBytes = Self.paddedJSON(placed, metadata: metadata).count
        guard jsonBytes <= Self.jsonBytesMax else {
            throw .headerTooLong(bytes: UInt64(jsonBytes), limit: Self.jsonBytesMax)
        }
        let byteCount = Self.lengthFieldBytes + jsonBytes
        guard !offset.addingReportingOverflow(byteCount).overflow else {
            throw .dataSize(expected: Int.max - byteCount, found: offset)
        }
        self.init(tensors: placed.map { $0.moved(by: byteCount) }, metadata: metadata, byteCount: byteCount)
    }

    private static func layoutOrder(_ left: TensorDeclaration, _ right: TensorDeclaration) -> Bool {
        left.type == right.type
            ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
            : left.type.layoutRank < right.type.layoutRank
    }

    /// The header's bytes: the length field and the padded JSON.
    ///
    /// The same tensors always give the same bytes: metadata is sorted by key (the package leaves its order open).
    public func encoded() -> [UInt8] {
        let json = Self.paddedJSON(tensors.map { $0.moved(by: -byteCount) }, metadata: metadata)
        return withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init) + json
    }

    private static func paddedJSON(_ tensors: [TensorDescription], metadata: [String: String]) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { "\(JSONText.quoted($0.key)):\(JSONText.quoted($0.value))" }
            members.append("\(JSONText.quoted(metadataKey)):{\(pairs.joined(separator: ","))}")
        }
        for tensor in tensors {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(JSONText.quoted(tensor.name)):{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(tensor.byteRange.lowerBound),\(tensor.byteRange.upperBound)]}")
        }
        var json = Array("{\(members.joined(separator: ","))}".utf8)
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return json
    }
}

extension TensorDescription {
    func moved(by bytes: Int) -> TensorDescription {
        TensorDescription(
            name: name, type: type, shape: shape,
            byteRange: byteRange.lowerBound + bytes..<byteRange.upperBound + bytes)
    }
}
