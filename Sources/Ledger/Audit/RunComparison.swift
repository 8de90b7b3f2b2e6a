// Two runs side by side: the same bits, or the first step where they part.

/// Whether two runs agree.
public struct RunComparison: Codable, Equatable, Sendable {
    /// A key of the configuration whose values differ.
    public struct Difference: Codable, Equatable, Sendable {
        /// The dotted key.
        public var key: String
        /// Its value in the first run.
        public var first: String
        /// Its value in the second run.
        public var second: String
    }

    /// Where two runs part.
    public struct Parting: Codable, Equatable, Sendable {
        /// The first step where anything differs.
        public var step: Int
        /// What differs: `loss`, `gradientNorm`, `tokens`, or the name of a checkpoint's file.
        public var what: String
        /// The value of the first run.
        public var first: String
        /// The value of the second run.
        public var second: String
    }

    /// Whether every step that both have came out with the same bits.
    public var agree: Bool
    /// Why nothing can be said, if so: a run in another mode than synchronous promises no bits.
    public var incomparable: String?
    /// The steps that both have.
    public var steps: Int
    /// The versions whose digests were compared.
    public var digests: Int
    /// The keys of the configuration whose values differ.
    public var differences: [Difference]
    /// The first step where they part.
    public var parting: Parting?

    /// Compares two audited runs.
    public init(_ first: RunAudit, _ second: RunAudit) {
        differences = first.configuration.differences(from: second.configuration).map {
            Difference(key: $0.key, first: $0.ours, second: $0.theirs)
        }
        (agree, steps, digests) = (false, 0, 0)
        for run in [first, second] where !run.isSynchronous {
            incomparable =
                "\(run.report.directory) ran in mode \(run.report.consistency), whose weights depend on the order in "
                + "which contributions arrive"
            return
        }
        steps = min(first.history.reached, second.history.reached)
        for step in 0...steps {
            if step > 0, let ours = first.history.step(step), let theirs = second.history.step(step),
                let (what, one, other) = ours.difference(from: theirs)
            {
                parting = Parting(step: step, what: what, first: one, second: other)
                return
            }
            guard let ours = first.digests[step], let theirs = second.digests[step] else { continue }
            digests += 1
            for (name, digest) in ours.sorted(by: { $0.key < $1.key }) {
                guard let other = theirs[name], other != digest else { continue }
                parting = Parting(step: step, what: name, first: digest, second: other)
                return
            }
        }
        agree = first.report.isProven && second.report.isProven && steps > 0
    }
}
