// The configuration as YAML, with all defaults filled in.

extension RunConfiguration {
    /// YAML that ``init(yaml:file:overrides:)`` reads as this configuration again: every key, in the order of the
    /// documentation.
    public func yaml() -> String {
        var lines = ["task: \(task.rawValue)", "data:"]
        lines += [
            "  train: \(Self.quoted(data.train))", "  validation: \(Self.text(data.validation))",
            "  tokenizer: \(data.tokenizer.rawValue)", "  shape: \(data.shape.rawValue)",
            "  vocabulary: \(data.vocabulary)",
            "model:", "  cell: \(model.cell.rawValue)", "  activation: \(model.activation.rawValue)",
            "  layers: \(model.layers)", "  hidden: \(model.hidden)", "  embedding: \(model.embedding)",
            "  dropout: \(model.dropout)", "  bidirectional: \(model.bidirectional)",
            "training:", "  epochs: \(training.epochs)",
        ]
        if let steps = training.steps { lines.append("  steps: \(steps)") }
        let adam = training.adam
        lines += [
            "  batch: \(training.batch)", "  sequence: \(training.sequence)", "  shards: \(training.shards)",
            "  adam: {rate: \(adam.rate), beta1: \(adam.beta1), beta2: \(adam.beta2), epsilon: \(adam.epsilon)}",
            "  clip: \(training.clip)", "  seed: \(training.seed)",
            "  consistency: \(Self.text(training.consistency))", "  precision: \(training.precision.rawValue)",
            "  validate: \(Self.text(training.validate))",
            "checkpoints:", "  every: \(checkpoints.every)", "  keep: \(checkpoints.keep)",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// A text in double quotes, in which YAML reads escapes as JSON does.
    public static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default:
                if isPlain(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
                }
            }
        }
        return result + "\""
    }

    /// Whether a scalar stands for itself: the others are no characters of YAML, or end a line, or cannot be seen.
    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }

    private static func text(_ validation: ValidationSource) -> String {
        switch validation {
        case .fraction(let fraction): "\(fraction)"
        case .file(let path): quoted(path)
        }
    }

    private static func text(_ consistency: Consistency) -> String {
        if case .bounded = consistency { return "{\(consistency)}" }
        return "\(consistency)"
    }

    private static func text(_ interval: ValidationInterval) -> String {
        switch interval {
        case .epoch: "epoch"
        case .steps(let steps): "\(steps)"
        }
    }
}
