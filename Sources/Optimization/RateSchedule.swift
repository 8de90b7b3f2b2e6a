// How the learning rate changes over a run.

/// A factor on the learning rate for each update.
public enum RateSchedule: Sendable, Hashable, Codable {
    /// The rate stays as configured.
    case constant

    /// The factor at an update, the first being 1.
    public func factor(update: Int) -> Double {
        switch self {
        case .constant: 1
        }
    }
}
