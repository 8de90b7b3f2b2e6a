// A result that cannot be used, until it is known who is to blame.

import Numerics

/// A span whose result cannot be used, and who said so. Another worker computes it again: if that gives a sound result,
/// those who claimed otherwise were wrong; if it gives the same, the data or the rate is to blame.
struct Dispute: Sendable {
    /// A worker's unusable result.
    struct Claim: Sendable {
        var worker: WorkerIdentifier
        var name: String
        /// The process: two connections of one are not two opinions.
        var process: String
        var evidence: ResultEvidence
    }

    let work: Work
    let step: Int
    let span: ShardRange
    var claims: [Claim] = []
    /// When the last claim came, or who may compute the span changed.
    var since: Double
    /// Nobody else is there: the worker that claimed it computes it again.
    var mayRepeat = false

    /// Whether a lease asks for the same.
    func concerns(_ lease: Lease) -> Bool { lease.work == work && lease.step == step && lease.span == span }

    /// Whether a process has computed the span before.
    func wasComputed(by process: String) -> Bool { claims.contains { $0.process == process } }
}
