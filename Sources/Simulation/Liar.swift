// A worker that lies.

import Platform
import WireProtocol

/// Changes what a worker sends: what it says of a step is wrong in one way or another, the first time it is asked. It
/// never lies twice about the same step: alone, a worker that does would be believed.
final class Liar {
    private enum Lie: CaseIterable {
        case lossNotANumber, lossInfinite, noTokens, tooManyTokens, stateNotANumber, failure, otherShards
        case gradientNotANumber, gradientTooLarge
    }

    private var random: SplitMix
    private let isSynchronous: Bool
    /// By step: the lie; `nil` for the truth.
    private var lies: [Int: Lie?] = [:]
    /// Steps about which it has lied.
    private var told: Set<Int> = []
    /// How often it lied.
    private(set) var count = 0

    init(seed: UInt64, isSynchronous: Bool) {
        random = SplitMix(seed: seed &* 31 &+ 5)
        self.isSynchronous = isSynchronous
    }

    /// Changes a message before it leaves.
    func alter(_ message: inout Message) {
        switch message.summary.kind {
        case 10: alterHello(&message)
        case 12 where isSynchronous: alterGradient(&message, step: message.summary.numbers[0])
        case 13: alterReport(&message, step: message.summary.numbers[1])
        default: break
        }
    }

    private func lie(about step: Int) -> Lie? {
        if let known = lies[step] { return told.contains(step) ? nil : known }
        let lie = random.happens(0.5) ? Lie.allCases[random.below(Lie.allCases.count)] : nil
        lies[step] = lie
        return lie
    }

    private func tell(_ step: Int) {
        told.insert(step)
        count += 1
    }

    /// Names that clear a terminal and have thousands of accents.
    private func alterHello(_ message: inout Message) {
        edit(&message) { header in
            guard case .hello(var hello)? = header.body else { return }
            hello.host = "\u{1B}[2J\r" + String(repeating: "e\u{301}\u{302}", count: 2000)
            hello.instructionSet = String(repeating: "\u{7}", count: 500)
            header.body = .hello(hello)
        }
    }

    private func alterGradient(_ message: inout Message, step: Int) {
        guard let last = message.frames.indices.last, last > 0, message.frames[last].count >= 4 else { return }
        switch lie(about: step) {
        case .gradientNotANumber: message.frames[last].replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
        case .gradientTooLarge: message.frames[last].replaceSubrange(0..<4, with: [0, 0, 0x61, 0x7F])
        default: return
        }
        tell(step)
    }

    private func alterReport(_ message: inout Message, step: Int) {
        guard let lie = lie(about: step) else { return }
        var isTold = true
        edit(&message) { header in
            guard case .spanDone(var done)? = header.body, !done.outcomes.isEmpty else { return }
            switch lie {
            case .lossNotANumber: done.outcomes[0].loss = .nan
            case .lossInfinite: done.outcomes[0].loss = -.infinity
            case .noTokens: done.outcomes[0].tokens = 0
            case .tooManyTokens: done.outcomes[0].tokens = .max
            case .otherShards: done.outcomes[0].shard = .max
            case .failure:
                var failure = WireComputationFailed()
                (failure.lease, failure.step, failure.reason) = (done.lease, done.step, "\u{1B}[31mno")
                header.body = .computationFailed(failure)
                return
            case .stateNotANumber, .gradientNotANumber, .gradientTooLarge: isTold = false
            }
            header.body = .spanDone(done)
        }
        if case .failure = lie { message.frames = [message.frames[0]] }
        if case .stateNotANumber = lie, message.frames.count > 1, message.frames[1].count >= 4 {
            message.frames[1].replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
            isTold = true
        }
        if isTold { tell(step) }
    }

    private func edit(_ message: inout Message, _ body: (inout WireHeader) -> Void) {
        guard let bytes = message.frames.first,
            var header = bytes.withUnsafeBytes({ try? WireHeader.decode($0) })
        else { return }
        body(&header)
        message.frames[0] = header.encoded()
        message.summary = HeaderSummary(message.frames[0])
    }
}

/// Nobody is kept out who has not lied.
final class OnlyLiars: Invariant {
    private let liar: String?
    /// How often the liar was kept out.
    private(set) var expulsions = 0

    init(liar: String?) { self.liar = liar }

    func note(_ milestone: SimulatedMilestone, by node: Node, checker: Checker) {
        guard case .workerExpelled(let name) = milestone else { return }
        if name == liar {
            expulsions += 1
        } else {
            checker.complain("\(name) is kept out, and \(liar ?? "nobody") lies")
        }
    }
}
