// Measurements for scripts/bench.

/// An object of JSON on one line, put together member by member. Names need no escapes, and numbers are finite.
struct JSONLine {
    private var members: [String] = []

    mutating func add(_ name: String, _ value: Double) { members.append("\"\(name)\": \(value)") }

    mutating func add(_ name: String, _ value: String) { members.append("\"\(name)\": \"\(value)\"") }

    mutating func add(_ name: String, _ values: [(String, Double)]) {
        members.append("\"\(name)\": {\(values.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", "))}")
    }

    var text: String { "{\(members.joined(separator: ", "))}" }
}
