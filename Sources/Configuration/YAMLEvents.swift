// The events of a YAML text, as libyaml gives them: what a composer builds a tree from.

import CYaml

/// Reads a YAML text event by event.
///
/// Yams, whose copy of libyaml this is, composes whole documents only: it follows aliases before anybody can count what
/// they multiply to.
struct YAMLEvents: ~Copyable {
    /// What comes next in a document.
    enum Event {
        case scalar(String, isQuoted: Bool)
        case listStart, listEnd, sectionStart, sectionEnd
        /// What stands behind `*`.
        case alias(String)
        case documentStart, documentEnd, end
    }

    /// The line of the last event, counted from 1.
    private(set) var line = 1
    /// What stands behind `&` at the last event.
    private(set) var anchor: String?
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// What is wrong with the text, and its line.
    struct Problem: Error {
        var text: String
        var line: Int?
    }

    /// A reader of a text in UTF-8.
    init(_ yaml: String) {
        parser = .allocate(capacity: 1)
        text = .allocate(capacity: yaml.utf8.count)
        _ = text.update(fromContentsOf: yaml.utf8)
        // Fails for want of memory alone.
        precondition(yaml_parser_initialize(parser) == 1, "out of memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// The next event; the start of the stream is passed over.
    mutating func next() throws(Problem) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        line = event.start_mark.line + 1
        anchor = nil
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            anchor = Self.string(scalar.anchor)
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let isText = Self.string(scalar.tag) == "tag:yaml.org,2002:str"
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && !isText
            return .scalar(String(decoding: bytes, as: UTF8.self), isQuoted: !isPlain)
        case YAML_SEQUENCE_START_EVENT:
            anchor = Self.string(event.data.sequence_start.anchor)
            return .listStart
        case YAML_MAPPING_START_EVENT:
            anchor = Self.string(event.data.mapping_start.anchor)
            return .sectionStart
        case YAML_SEQUENCE_END_EVENT: return .listEnd
        case YAML_MAPPING_END_EVENT: return .sectionEnd
        case YAML_ALIAS_EVENT: return .alias(Self.string(event.data.alias.anchor) ?? "")
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_STREAM_START_EVENT: return try next()
        default: return .end
        }
    }

    private func problem() -> Problem {
        let text = parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be parsed"
        switch parser.pointee.error {
        case YAML_READER_ERROR:
            let line = 1 + self.text.prefix(parser.pointee.problem_offset).count { $0 == 0x0A }
            return Problem(text: "not YAML: \(text)", line: line)
        case YAML_MEMORY_ERROR: return Problem(text: "not readable as YAML: out of memory", line: nil)
        default:
            let mark = parser.pointee.problem_mark
            let explanation = parser.pointee.context.map { "\(String(cString: $0)), \(text)" } ?? text
            return Problem(text: "not YAML: \(explanation) (column \(mark.column + 1))", line: mark.line + 1)
        }
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}
