// How fast a run was, as its supervisor saw it.

import Client

/// The tokens that were read while the supervisor looked on.
struct ObservedProgress {
    private var first: (time: Double, step: Int)?
    private var last: (time: Double, step: Int)?
    /// Where steps differ in size: the reported speed, summed over time.
    private var summedTokens = 0.0
    private var stepTokens: Int?

    mutating func note(_ status: RunStatus, now: Double, tokensPerStep: Int?) {
        stepTokens = tokensPerStep
        guard status.phase != "waiting for workers" else { return }
        if let last { summedTokens += status.tokensPerSecond * (now - last.time) }
        first = first ?? (now, status.step)
        last = (now, max(status.step, last?.step ?? 0))
    }

    /// Tokens a second from the first to the last look, evaluations included.
    var tokensPerSecond: Double? {
        guard let first, let last, last.time - first.time > 0.5 else { return nil }
        let tokens = stepTokens.map { Double(last.step - first.step) * Double($0) } ?? summedTokens
        return tokens / (last.time - first.time)
    }
}
