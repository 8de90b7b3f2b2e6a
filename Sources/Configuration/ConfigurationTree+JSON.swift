// Reading a tree from JSON, in which a run keeps its configuration and sends it to others.

extension ConfigurationTree: Decodable {
    /// Reads any JSON value.
    init(from decoder: any Decoder) throws {
        let origin = ConfigurationOrigin.file(name: Self.jsonName, line: nil)
        if let container = try? decoder.container(keyedBy: AnyKey.self) {
            let entries = try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
                Entry(
                    key: key.stringValue, origin: origin,
                    value: try container.decode(ConfigurationTree.self, forKey: key))
            }
            self.init(content: .section(entries), origin: origin)
            return
        }
        if let list = try? decoder.unkeyedContainer() {
            self.init(content: .list(count: list.count ?? 0), origin: origin)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self.init(content: .scalar("null", isQuoted: false), origin: origin)
        } else if let text = try? value.decode(String.self) {
            self.init(content: .scalar(text, isQuoted: true), origin: origin)
        } else if let boolean = try? value.decode(Bool.self) {
            self.init(content: .scalar("\(boolean)", isQuoted: false), origin: origin)
        } else if let integer = try? value.decode(Int64.self) {
            self.init(content: .scalar("\(integer)", isQuoted: false), origin: origin)
        } else if let integer = try? value.decode(UInt64.self) {
            self.init(content: .scalar("\(integer)", isQuoted: false), origin: origin)
        } else {
            self.init(content: .scalar("\(try value.decode(Double.self))", isQuoted: false), origin: origin)
        }
    }

    /// What errors call a configuration that did not come from a file of its user.
    static let jsonName = "run configuration"

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
