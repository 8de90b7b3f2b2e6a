// What it means for a run that has begun when keys of its configuration get other values.

/// The keys whose values differ between a run's configuration and the one that it is to go on with.
///
///     let changes = new.changes(from: old)
///     if let reason = changes.refusal(acceptsChanges: false) { … }
///
/// Some keys alter no computed step: with them a run ends with the bits that it would have had with the new values from
/// its start. Others alter the steps from now on, and nothing of what the steps before have left: with the user's
/// consent a run goes on with them, on record. A path or limit of the data alters nothing as long as the prepared data
/// are the same, which its reader must compare. All other keys make another run.
public struct ConfigurationChanges: Sendable, Equatable {
    /// What a change does to a run that has begun.
    public enum Effect: Sendable, Equatable {
        /// No computed step is another.
        case none
        /// The steps from now on are others.
        case stepsToCome
        /// None if the prepared data are the same.
        case data
        /// It is another run.
        case anotherRun
    }

    /// A key with another value.
    public struct Change: Sendable, Equatable {
        /// The dotted key.
        public let key: String
        /// The value that the run had; `none` without one.
        public let old: String
        /// The value that it is to have; `none` without one.
        public let new: String
        /// What the change does.
        public let effect: Effect
    }

    /// The keys in ascending order.
    public let all: [Change]

    /// These changes; none by default.
    public init(all: [Change] = []) { self.all = all }

    /// Whether nothing differs.
    public var isEmpty: Bool { all.isEmpty }

    /// The changes of one effect.
    public func with(_ effect: Effect) -> [Change] { all.filter { $0.effect == effect } }

    /// The keys that alter no computed step, as a message names them.
    public static let harmlessKeys = [
        "checkpoints.every", "checkpoints.keep", "training.epochs", "training.steps", "training.validate",
    ]
    /// The keys that alter the steps to come alone.
    public static let recordedKeys = [
        "model.dropout", "training.adam.beta1", "training.adam.beta2", "training.adam.epsilon", "training.adam.rate",
        "training.clip",
    ]
    /// The option that gives the user's consent.
    public static let option = "--accept-changes"

    /// Why a run cannot go on with these changes, and what to do; `nil` if it can.
    public func refusal(acceptsChanges: Bool) -> String? {
        let impossible = with(.anotherRun)
        guard impossible.isEmpty else {
            return "the run there has another configuration: \(Self.list(impossible)); choose another --output "
                + "(what a run can go on with: another \(Self.harmlessKeys.joined(separator: ", ")), another place of "
                + "the same data, and with \(Self.option) another \(Self.recordedKeys.joined(separator: ", ")))"
        }
        let recorded = with(.stepsToCome)
        guard recorded.isEmpty || acceptsChanges else {
            return "the run there has another configuration: \(Self.list(recorded)); add \(Self.option) to go on with "
                + "it from the newest sound checkpoint, on record in the ledger, or choose another --output"
        }
        return nil
    }

    /// "model.hidden is 32 here and 16 there; …"
    static func list(_ changes: [Change]) -> String {
        changes.map { "\($0.key) is \(printable($0.new)) here and \(printable($0.old)) there" }.joined(separator: "; ")
    }
}

extension RunConfiguration {
    /// What differs from the configuration that a run had so far.
    public func changes(from old: RunConfiguration) -> ConfigurationChanges {
        ConfigurationChanges(
            all: differences(from: old).map {
                ConfigurationChanges.Change(
                    key: $0.key, old: $0.theirs, new: $0.ours, effect: effect(of: $0.key, from: old))
            })
    }

    private func effect(of key: String, from old: RunConfiguration) -> ConfigurationChanges.Effect {
        if ConfigurationChanges.harmlessKeys.contains(key) { return .none }
        if ConfigurationChanges.recordedKeys.contains(key) { return .stepsToCome }
        switch key {
        case "data.train", "data.vocabulary": return .data
        case "data.validation":
            if case .file = data.validation, case .file = old.data.validation { return .data }
            return .anotherRun
        default: return .anotherRun
        }
    }
}
