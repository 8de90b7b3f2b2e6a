// Reading a tree from YAML, with the line of every value.

extension ConfigurationTree {
    /// The longest text that is read, in bytes. A configuration has a few hundred, with comments a few thousand.
    static let bytesMax = 1 << 18
    /// The most values, keys and sections, those behind aliases counted wherever they stand. A configuration has forty.
    static let valuesMax = 10_000

    /// Reads the tree of one YAML document; an empty document is an empty section. A byte order mark is no part of it.
    ///
    /// - Parameter problems: hears of keys that are given twice.
    /// - Throws: what makes the text none of YAML.
    init(yaml: String, file: String, problems: ConfigurationProblems) throws(ConfigurationError) {
        let whole = ConfigurationOrigin.file(name: file, line: nil)
        guard yaml.utf8.count <= Self.bytesMax else {
            throw ConfigurationError(
                origin: whole, key: "", problem: .tooLong(bytes: yaml.utf8.count, bytesMax: Self.bytesMax))
        }
        let isMarked = yaml.unicodeScalars.first == "\u{FEFF}"
        var composer = YAMLComposer(
            isMarked ? String(yaml.unicodeScalars.dropFirst()) : yaml, file: file, problems: problems)
        self = try composer.document() ?? ConfigurationTree(content: .section([]), origin: whole)
        if isNothing { content = .section([]) }
    }
}

/// Builds the tree of a document from its events.
private struct YAMLComposer: ~Copyable {
    private var events: YAMLEvents
    private let file: String
    private let problems: ConfigurationProblems
    /// What stands behind each `&`, and how many values that is.
    private var anchors: [String: (tree: ConfigurationTree, values: Int)] = [:]
    private var values = 0

    init(_ yaml: String, file: String, problems: ConfigurationProblems) {
        events = YAMLEvents(yaml)
        self.file = file
        self.problems = problems
    }

    /// The tree of the only document; `nil` if there is none.
    mutating func document() throws(ConfigurationError) -> ConfigurationTree? {
        guard case .documentStart = try next() else { return nil }
        let tree = try node(try next(), key: "")
        _ = try next()
        guard case .end = try next() else {
            throw error(.syntax("not YAML: expected a single document in the stream, but found another document"))
        }
        return tree
    }

    /// The tree that begins with an event. The recursion ends where libyaml does: at 1,000 levels.
    private mutating func node(_ event: YAMLEvents.Event, key: String) throws(ConfigurationError) -> ConfigurationTree {
        let origin = origin
        let anchor = events.anchor
        let before = values
        try count(1, key: key)
        let tree: ConfigurationTree
        switch event {
        case .scalar(let text, let isQuoted):
            tree = ConfigurationTree(content: .scalar(text, isQuoted: isQuoted), origin: origin)
        case .alias(let name):
            guard let anchor = anchors[name] else {
                throw error(.syntax("nothing is marked with &\(printable(name)) before *\(printable(name))"), key: key)
            }
            try count(anchor.values, key: key)
            return anchor.tree
        case .listStart:
            var length = 0
            while true {
                let next = try next()
                if case .listEnd = next { break }
                _ = try node(next, key: key)
                length += 1
            }
            tree = ConfigurationTree(content: .list(count: length), origin: origin)
        case .sectionStart:
            tree = ConfigurationTree(content: .section(try entries(key: key)), origin: origin)
        case .listEnd, .sectionEnd, .documentStart, .documentEnd, .end:
            throw error(.syntax("not YAML: a value is missing"), key: key)
        }
        if let anchor { anchors[anchor] = (tree, values - before) }
        return tree
    }

    private mutating func entries(key: String) throws(ConfigurationError) -> [ConfigurationTree.Entry] {
        var entries: [ConfigurationTree.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let next = try next()
            if case .sectionEnd = next { return entries }
            let origin = origin
            guard case .scalar(let name, _) = try node(next, key: key).content else {
                throw ConfigurationError(origin: origin, key: key, problem: .syntax("a key must be a name"))
            }
            let shown = printable(name)
            let path = key.isEmpty ? shown : "\(key).\(shown)"
            if let first = lines.updateValue(events.line, forKey: name) {
                problems.note(
                    ConfigurationError(origin: .file(name: file, line: first), key: path, problem: .duplicateKey))
            }
            entries.append(.init(key: name, origin: origin, value: try node(try self.next(), key: path)))
        }
    }

    /// Counts values, so that aliases of aliases end soon.
    private mutating func count(_ more: Int, key: String) throws(ConfigurationError) {
        values += more
        guard values <= ConfigurationTree.valuesMax else {
            throw error(
                .syntax(
                    "more than \(ConfigurationTree.valuesMax) values, with those that aliases repeat: "
                        + "this is not a configuration"), key: key)
        }
    }

    private mutating func next() throws(ConfigurationError) -> YAMLEvents.Event {
        do {
            return try events.next()
        } catch {
            throw ConfigurationError(
                origin: .file(name: file, line: error.line), key: "", problem: .syntax(error.text))
        }
    }

    private var origin: ConfigurationOrigin { .file(name: file, line: events.line) }

    private func error(_ problem: ConfigurationError.Problem, key: String = "") -> ConfigurationError {
        ConfigurationError(origin: origin, key: key, problem: problem)
    }
}
