// What must hold at every moment of a simulation.

import Platform

/// Something that must hold. It sees what processes do and what they send and receive, and complains.
protocol Invariant: AnyObject {
    /// A process has done something.
    func note(_ milestone: SimulatedMilestone, by node: Node, checker: Checker)
    /// A process has taken a message in, and acts on it until the next one.
    func noteReceived(_ message: Message, by node: Node, checker: Checker)
    /// The run is complete.
    func finish(totalSteps: Int, checker: Checker)
}

extension Invariant {
    func noteReceived(_ message: Message, by node: Node, checker: Checker) {}
    func finish(totalSteps: Int, checker: Checker) {}
}

/// Asks all invariants, and keeps their complaints. New ones are added to `invariants`.
final class Checker {
    let world: World
    /// Short waits last so many times longer than they should.
    var lateness = 1
    private(set) var complaints: [String] = []
    let invariants: [any Invariant]
    /// The digests of the versions that clients have pulled.
    private var snapshots: [Int: UInt64] = [:]
    /// Training steps that were computed again after a server's restart.
    var stepsRedone = 0
    /// Milestones to swallow, for tests of the invariants themselves.
    var tamper: (SimulatedMilestone) -> SimulatedMilestone? = { $0 }
    /// Changes what invariants see of messages, for the same.
    var tamperReceived: (Message) -> Message = { $0 }

    /// Whether each step is one version of the weights.
    private let isSynchronous: Bool

    /// Sees who is kept out.
    let onlyLiars: OnlyLiars

    init(_ world: World, _ shape: RunShape, liar: String? = nil) {
        self.world = world
        isSynchronous = shape.consistency == .synchronous
        onlyLiars = OnlyLiars(liar: liar)
        let both: [any Invariant] = [OneIncarnation(), VersionOrder(isSynchronous: isSynchronous), onlyLiars]
        // Without common steps it is the audit of the ledger that counts.
        invariants = isSynchronous ? [ExactlyOnce(shards: shape.shards)] + both : both
    }

    func note(_ milestone: SimulatedMilestone, by node: Node) {
        guard let milestone = tamper(milestone) else { return }
        world.log.note(world.now, node.number, LogKind.milestone, milestone.number, "  * \(node.name): \(milestone)")
        for invariant in invariants { invariant.note(milestone, by: node, checker: self) }
    }

    func noteReceived(_ received: Message, by node: Node) {
        let message = tamperReceived(received)
        for invariant in invariants { invariant.noteReceived(message, by: node, checker: self) }
    }

    func finish(totalSteps: Int) {
        for invariant in invariants { invariant.finish(totalSteps: totalSteps, checker: self) }
    }

    /// A client has pulled a version of the weights.
    func noteSnapshot(version: Int, weights: [Float], by node: Node) {
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        for weight in weights { digest = (digest ^ UInt64(weight.bitPattern)) &* 0x0000_0100_0000_01B3 }
        world.log.note(
            world.now, node.number, LogKind.milestone, Int(truncatingIfNeeded: digest),
            "  * \(node.name): pulled version \(version)")
        if isSynchronous, let known = snapshots[version], known != digest {
            complain("version \(version) of the weights was pulled twice, with different bits")
        }
        snapshots[version] = digest
    }

    /// Something does not hold.
    func complain(_ text: String) {
        world.log.note(world.now, 0, LogKind.verdict, complaints.count, "VIOLATED: \(text)")
        if complaints.count < 20 { complaints.append(text) }
    }
}

extension SimulatedMilestone {
    /// For the log's digest.
    fileprivate var number: Int {
        switch self {
        case .gradientAccepted(let step, let chunk, let lower, let upper):
            ((step &* 64 &+ chunk) &* 64 &+ lower) &* 64 &+ upper
        case .stepApplied(let version, let chunks): 1_000_003 &* version &+ chunks.lowerBound
        case .lifeBegan(let incarnation, let version): 2_000_003 &* incarnation &+ version
        case .sumRestarted(let step): 5_000_011 &* step
        case .workerExpelled(let name): 7_000_003 &* name.utf8.count
        case .leaseBegan(let step, let lower, let upper): (3_000_017 &* step &+ lower) &* 64 &+ upper
        }
    }
}
