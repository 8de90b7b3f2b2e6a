// Reading a tree from YAML: Yams composes the nodes, whose marks give the lines.

import Yams

extension ConfigurationTree {
    /// The longest text that is read, in bytes. A configuration has a few hundred.
    static let bytesMax = 1 << 20

    /// Reads the tree of one YAML document; an empty document is an empty section.
    init(yaml: String, file: String) throws(ConfigurationError) {
        let whole = ConfigurationOrigin.file(name: file, line: nil)
        guard yaml.utf8.count <= Self.bytesMax else {
            throw ConfigurationError(
                origin: whole, key: "", problem: .tooLong(bytes: yaml.utf8.count, bytesMax: Self.bytesMax))
        }
        let node: Node?
        do {
            node = try compose(yaml: yaml, .basic)
        } catch let error as YamlError {
            throw ConfigurationError(error, file: file)
        } catch {
            throw ConfigurationError(origin: whole, key: "", problem: .syntax("not readable as YAML: \(error)"))
        }
        guard let node else {
            self.init(content: .section([]), origin: whole)
            return
        }
        try self.init(node: node, file: file, key: "")
        if isNothing { self.content = .section([]) }
    }

    private init(node: Node, file: String, key: String) throws(ConfigurationError) {
        let origin = ConfigurationOrigin.file(name: file, line: node.mark?.line)
        switch node {
        case .scalar(let scalar):
            let isQuoted = [.singleQuoted, .doubleQuoted, .literal, .folded].contains(scalar.style)
            self.init(
                content: .scalar(scalar.string, isQuoted: isQuoted || scalar.tag.rawValue == Tag.Name.str.rawValue),
                origin: origin)
        case .sequence(let sequence):
            self.init(content: .list(count: sequence.count), origin: origin)
        case .alias:
            throw ConfigurationError(origin: origin, key: key, problem: .syntax("aliases are not supported"))
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (keyNode, valueNode) in mapping {
                let keyOrigin = ConfigurationOrigin.file(name: file, line: keyNode.mark?.line)
                guard case .scalar(let name) = keyNode else {
                    throw ConfigurationError(origin: keyOrigin, key: key, problem: .syntax("a key must be a name"))
                }
                let path = key.isEmpty ? name.string : "\(key).\(name.string)"
                guard !entries.contains(where: { $0.key == name.string }) else {
                    throw ConfigurationError(origin: keyOrigin, key: path, problem: .duplicateKey)
                }
                let value = try ConfigurationTree(node: valueNode, file: file, key: path)
                entries.append(Entry(key: name.string, origin: keyOrigin, value: value))
            }
            self.init(content: .section(entries), origin: origin)
        }
    }
}

extension ConfigurationError {
    /// The error of the YAML reader with its line.
    fileprivate init(_ error: YamlError, file: String) {
        func at(_ line: Int?, _ problem: Problem, key: String = "") -> ConfigurationError {
            ConfigurationError(origin: .file(name: file, line: line), key: key, problem: problem)
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let explanation = context.map { "\($0.text), \(problem)" } ?? problem
            self = at(mark.line, .syntax("not YAML: \(explanation) (column \(mark.column))"))
        case .reader(let problem, let offset, _, let yaml):
            let line = offset.map { 1 + yaml.prefix($0).count(where: \.isNewline) }
            self = at(line, .syntax("not YAML: \(problem)"))
        case .duplicatedKeysInMapping(let duplicates, let context):
            self = at(context.mark.line, .duplicateKey, key: printable(duplicates.first ?? ""))
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            self = at(nil, .syntax("not readable as YAML: \(error)"))
        }
    }
}
