// The configuration as JSON, with all defaults filled in: what a run stores, sends to its workers and compares.

import Foundation

extension RunConfiguration: Decodable {
    /// Reads a configuration with the same checks that YAML gets.
    ///
    /// - Throws: ``ConfigurationError``, or what the decoder throws.
    public init(from decoder: any Decoder) throws {
        try self.init(tree: try ConfigurationTree(from: decoder))
    }

    /// Reads what ``json()`` wrote, or any JSON of the same keys, at most ``bytesMax`` bytes.
    public init(json: [UInt8]) throws(ConfigurationError) {
        let whole = ConfigurationOrigin.file(name: ConfigurationTree.jsonName, line: nil)
        guard json.count <= ConfigurationTree.bytesMax else {
            throw ConfigurationError(
                origin: whole, key: "", problem: .tooLong(bytes: json.count, bytesMax: ConfigurationTree.bytesMax))
        }
        let tree: ConfigurationTree
        do {
            tree = try JSONDecoder().decode(ConfigurationTree.self, from: Data(json))
        } catch {
            throw ConfigurationError(origin: whole, key: "", problem: .syntax("not JSON"))
        }
        try self.init(tree: tree)
    }

    /// The configuration as UTF-8 JSON with sorted keys and all defaults filled in; equal configurations give equal
    /// bytes.
    public func json() -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // All values are finite numbers, texts and truth values, for which encoding cannot fail.
        guard let data = try? encoder.encode(self) else { preconditionFailure("a configuration with a value like NaN") }
        return [UInt8](data)
    }

    /// The keys whose values differ, with both values; `none` where a key has no value.
    ///
    /// - Returns: dotted keys in ascending order; empty for equal configurations.
    public func differences(from other: RunConfiguration) -> [(key: String, ours: String, theirs: String)] {
        let ours = Dictionary(uniqueKeysWithValues: flattened())
        let theirs = Dictionary(uniqueKeysWithValues: other.flattened())
        return Set(ours.keys).union(theirs.keys).sorted().compactMap { key in
            ours[key] == theirs[key] ? nil : (key, ours[key] ?? "none", theirs[key] ?? "none")
        }
    }

    private func flattened() -> [(String, String)] {
        let tree = try? JSONDecoder().decode(ConfigurationTree.self, from: Data(json()))
        return tree?.flattened().map { ($0.key, $0.value) } ?? []
    }
}
