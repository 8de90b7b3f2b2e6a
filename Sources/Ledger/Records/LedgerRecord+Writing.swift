// The fields of each record, in the order in which a line has them.

extension LedgerRecord {
    /// Adds the kind and all fields.
    func write(to text: inout LineText) {
        switch self {
        case .life(let record):
            text.field("kind", "life")
            record.write(to: &text)
        case .step(let record):
            text.field("kind", "step")
            record.write(to: &text)
        case .update(let record):
            text.field("kind", "update")
            record.write(to: &text)
        case .checkpoint(let record):
            text.field("kind", "checkpoint")
            text.field("version", record.version)
            text.field("incarnation", record.incarnation)
            text.field("files", record.files)
        case .change(let record):
            text.field("kind", "change")
            text.field("version", record.version)
            text.field("incarnation", record.incarnation)
            text.field("key", record.key)
            text.field("old", record.old)
            text.field("new", record.new)
        case .evaluation(let record):
            text.field("kind", "evaluation")
            text.field("version", record.version)
            text.field("step", record.step)
            text.field("incarnation", record.incarnation)
            text.field("loss", record.loss)
            text.field("tokens", record.tokens)
        case .end(let record):
            text.field("kind", "end")
            text.field("how", record.how.rawValue)
            text.field("version", record.version)
            text.field("incarnation", record.incarnation)
            if let reason = record.reason { text.field("reason", reason) }
        }
    }
}

extension LifeRecord {
    fileprivate func write(to text: inout LineText) {
        text.field("incarnation", incarnation)
        text.field("version", version)
        text.field("restored", restored)
        text.field("run", run)
        text.field("library", library)
        text.field("started", started)
        text.field("consistency", consistency)
        text.field("shards", shards)
        text.field("stepsPerEpoch", stepsPerEpoch)
        text.field("totalSteps", totalSteps)
        text.field("partitions", partitions)
        text.field("data", data)
    }
}

extension StepRecord {
    fileprivate func write(to text: inout LineText) {
        text.field("step", step)
        text.field("incarnation", incarnation)
        text.field("loss", loss)
        text.field("gradientNorm", gradientNorm)
        text.field("tokens", tokens)
        text.field("spans", spans) { $1.write(to: &$0) }
        text.field("duplicatesRefused", duplicatesRefused)
        text.field("speculationsWon", speculationsWon)
    }
}

extension UpdateRecord {
    fileprivate func write(to text: inout LineText) {
        text.field("version", version)
        text.field("incarnation", incarnation)
        text.field("step", step)
        text.field("span") { span.write(to: &$0) }
        text.field("basis", basis)
        text.field("loss", loss)
        text.field("gradientNorm", gradientNorm)
        text.field("tokens", tokens)
        text.field("duplicatesRefused", duplicatesRefused)
    }
}

extension SpanRecord {
    fileprivate func write(to text: inout LineText) {
        text.field("lower", lower)
        text.field("upper", upper)
        text.field("worker", worker)
        text.field("seconds", seconds)
    }
}
