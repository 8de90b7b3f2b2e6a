// The invariants of synchronous training.

import Platform

/// Every shard's gradient of every chunk is in each applied step exactly once.
final class ExactlyOnce: Invariant {
    private let shards: Int
    /// By process and chunk: the parts of the present step's sum.
    private var parts: [ObjectIdentifier: [Int: (step: Int, ranges: [Range<Int>])]] = [:]

    init(shards: Int) { self.shards = shards }

    func note(_ milestone: SimulatedMilestone, by node: Node, checker: Checker) {
        switch milestone {
        case .gradientAccepted(let step, let chunk, let lower, let upper):
            var sum = parts[ObjectIdentifier(node)]?[chunk] ?? (step, [])
            if sum.step != step { sum = (step, []) }
            // A larger node replaces smaller ones that it contains.
            sum.ranges.removeAll { lower <= $0.lowerBound && $0.upperBound <= upper }
            if let other = sum.ranges.first(where: { $0.overlaps(lower..<upper) }) {
                checker.complain(
                    "\(node.name) adds shards \(lower)..<\(upper) of step \(step), chunk \(chunk) to \(other)")
            }
            sum.ranges.append(lower..<upper)
            parts[ObjectIdentifier(node), default: [:]][chunk] = sum
        case .stepApplied(let version, let chunks):
            for chunk in chunks {
                let sum = parts[ObjectIdentifier(node)]?[chunk]
                let ranges = (sum?.ranges ?? []).sorted { $0.lowerBound < $1.lowerBound }
                let covered = ranges.reduce(0) { $1.lowerBound == $0 ? $1.upperBound : -1 }
                if sum?.step != version - 1 || covered != shards {
                    checker.complain("\(node.name) applies step \(version - 1), chunk \(chunk) with shards \(ranges)")
                }
            }
            parts[ObjectIdentifier(node)] = nil
        case .lifeBegan, .sumRestarted: parts[ObjectIdentifier(node)] = nil
        case .leaseBegan, .workerExpelled: break
        }
    }

    func noteReceived(_ message: Message, by node: Node, checker: Checker) {
        // A partition server that serves a new life forgets the sums of the old one.
        if message.summary.kind == 50 { parts[ObjectIdentifier(node)] = nil }
    }
}

/// Nobody acts on a message of another life of the server than its own.
final class OneIncarnation: Invariant {
    private var acting: [ObjectIdentifier: HeaderSummary] = [:]
    private var lives: [ObjectIdentifier: Int] = [:]

    func noteReceived(_ message: Message, by node: Node, checker: Checker) {
        // Heartbeats of a worker come in on another thread of it.
        guard message.summary.kind != 26 else { return }
        acting[ObjectIdentifier(node)] = message.summary
        // A worker's welcome; a partition server's assignment, which it refuses if it is of an older life.
        if message.summary.kind == 20 { lives[ObjectIdentifier(node)] = message.summary.incarnation }
        if message.summary.kind == 50 {
            lives[ObjectIdentifier(node)] = max(lives[ObjectIdentifier(node)] ?? 0, message.summary.incarnation)
        }
    }

    func note(_ milestone: SimulatedMilestone, by node: Node, checker: Checker) {
        switch milestone {
        case .lifeBegan(let incarnation, _): lives[ObjectIdentifier(node)] = incarnation
        case .gradientAccepted, .leaseBegan:
            guard let message = acting[ObjectIdentifier(node)], let life = lives[ObjectIdentifier(node)] else {
                return checker.complain("\(node.name): \(milestone), and no message told it to")
            }
            if message.incarnation != life {
                checker.complain("\(node.name) of life \(life): \(milestone) on \(message)")
            }
        case .stepApplied, .sumRestarted, .workerExpelled: break
        }
    }
}

/// Versions go up one by one, and back only to a checkpoint, in a new life of the server.
final class VersionOrder: Invariant {
    private var incarnation = 0
    private var versions: [ObjectIdentifier: Int] = [:]
    /// The life in which the step to each version was applied: what is in the weights.
    private var history: [Int] = []
    /// The newest step whose checkpoint was on the disk for good.
    var durable = 0
    private var lifeVersion = 0
    private let isSynchronous: Bool

    init(isSynchronous: Bool) { self.isSynchronous = isSynchronous }

    func note(_ milestone: SimulatedMilestone, by node: Node, checker: Checker) {
        switch milestone {
        case .lifeBegan(let next, let version):
            if next <= incarnation { checker.complain("life \(next) of the server begins after life \(incarnation)") }
            if version < durable { checker.complain("life \(next) begins at \(version), before checkpoint \(durable)") }
            if version > history.count { checker.complain("life \(next) begins at \(version), never reached") }
            checker.stepsRedone += max(0, history.count - version)
            history.removeLast(max(0, history.count - version))
            (incarnation, lifeVersion) = (next, version)
            versions = [ObjectIdentifier(node): version]
        case .stepApplied(let version, let chunks):
            let before = versions[ObjectIdentifier(node)] ?? lifeVersion
            if version != before + 1 { checker.complain("\(node.name) has version \(version) after \(before)") }
            versions[ObjectIdentifier(node)] = version
            if chunks.lowerBound == 0 { history.append(incarnation) }
        case .gradientAccepted, .leaseBegan, .sumRestarted, .workerExpelled: break
        }
    }

    func noteReceived(_ message: Message, by node: Node, checker: Checker) {
        if message.summary.kind == 50 { versions[ObjectIdentifier(node)] = nil }
    }

    func finish(totalSteps: Int, checker: Checker) {
        if isSynchronous, history.count != totalSteps {
            checker.complain("\(history.count) steps are in the weights of \(totalSteps)")
        }
    }
}
