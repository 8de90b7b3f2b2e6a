// What is wrong with a configuration, gathered while it is read.

/// The problems of a text in the order in which they were met. One object for all of its sections, on one thread.
final class ConfigurationProblems {
    private(set) var all: [ConfigurationError] = []
    /// The dotted keys whose values are wrong, or not what their user meant.
    private var unsound: Set<String> = []

    /// Adds a problem.
    func note(_ problem: ConfigurationError) {
        all.append(problem)
        unsound.insert(problem.key)
    }

    /// Says that a key's value is not what its user meant, because it stands under another name.
    func distrust(_ key: String) { unsound.insert(key) }

    /// Whether nothing is wrong with some dotted keys, nor with the sections that they are in.
    func areSound(_ keys: [String]) -> Bool {
        keys.allSatisfy { key in
            var path = key
            while !unsound.contains(path) {
                guard let dot = path.lastIndex(of: ".") else { return true }
                path = String(path[..<dot])
            }
            return false
        }
    }

    /// Ends reading if anything was wrong.
    ///
    /// - Throws: the first problem, with the others in its `others`.
    func refuse() throws(ConfigurationError) {
        guard var first = all.first else { return }
        first.others = Array(all.dropFirst())
        throw first
    }
}
