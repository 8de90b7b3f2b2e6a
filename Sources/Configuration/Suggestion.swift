// The name that the user of a wrong name most likely meant.

/// Finds the nearest valid name for a wrong one.
enum Suggestion {
    /// The nearest key: a common name for it elsewhere, one a slip away, or one of the same name in another section.
    static func key(for wrong: String, in valid: [String], section: String) -> String? {
        let normal = wrong.lowercased().filter { $0 != "_" && $0 != "-" }
        if let meant = commonNames[normal] {
            let leaf = meant.split(separator: ".").last.map(String.init) ?? meant
            let parent = meant.split(separator: ".").dropLast().joined(separator: ".")
            return parent == section ? leaf : meant
        }
        if let near = value(for: wrong, in: valid) { return near }
        return allKeys.first { $0.split(separator: ".").last.map(String.init) == normal }
    }

    /// The nearest of some names, unless all are far from the wrong one.
    static func value(for wrong: String, in valid: [String]) -> String? {
        guard wrong.utf8.count <= 64 else { return nil }
        let ranked = valid.map { (name: $0, distance: distance(wrong.lowercased(), $0)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, best.name.utf8.count / 3) ? best.name : nil
    }

    /// What other frameworks call our keys, without `_` and `-`.
    private static let commonNames = [
        "lr": "training.adam.rate", "learningrate": "training.adam.rate", "eps": "training.adam.epsilon",
        "batchsize": "training.batch", "bptt": "training.sequence", "seqlen": "training.sequence",
        "sequencelength": "training.sequence", "seqlength": "training.sequence", "numepochs": "training.epochs",
        "maxsteps": "training.steps", "gradclip": "training.clip", "clipnorm": "training.clip",
        "hiddensize": "model.hidden", "nhid": "model.hidden", "numlayers": "model.layers", "nlayers": "model.layers",
        "embeddingdim": "model.embedding", "embeddingsize": "model.embedding", "emsize": "model.embedding",
        "nonlinearity": "model.activation", "rnntype": "model.cell", "vocabsize": "data.vocabulary",
    ]

    /// The dotted keys of all values.
    static let allKeys: [String] =
        ["task"] + names("data", DataConfiguration.CodingKeys.self) + names("model", ModelConfiguration.CodingKeys.self)
        + names("training", TrainingConfiguration.CodingKeys.self).filter { $0 != "training.adam" }
        + names("training.adam", AdamConfiguration.CodingKeys.self)
        + names("checkpoints", CheckpointConfiguration.CodingKeys.self)

    private static func names<Key: CodingKey & CaseIterable>(_ section: String, _: Key.Type) -> [String] {
        Key.allCases.map { "\(section).\($0.stringValue)" }
    }

    /// The edit distance in which a swap of two neighbours counts once (Damerau 1964, optimal string alignment).
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let isSame = left[row] == right[column]
                var best = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
