// The thread that lets the owners of listed keys in, and knows what each may do.

import Dispatch
import Messaging
import Platform
import Synchronization

/// Answers the library's questions about keys on a thread of its own: nobody's introduction waits for a server that is
/// reading a checkpoint or writing one.
///
/// When a key is refused the list of allowed keys is read again first, if its file has changed: a key that was added
/// comes in without a restart.
final class GateKeeper: Sendable {
    /// The time between two looks at the list's file, however many knock.
    private static let rereadSeconds = 0.2
    /// Refusals that are remembered until somebody asks for them.
    private static let refusalsMax = 100

    private struct State {
        var rights: [String: PeerRights]
        var refusals: [CurveGate.Decision] = []
        var refusalCount = 0
        var hasReread = false
        var problem: MessagingError?
    }

    private let state: Mutex<State>
    private let isStopped = Atomic<Bool>(false)
    private let keys: ServerKeys

    /// Opens the gate; from then on nobody else comes into servers of the context.
    ///
    /// - Throws: `.addressInUse` when the context has a gate; `.tooManySockets`; `.terminated`.
    init(_ keys: ServerKeys, in context: Context) throws(MessagingError) {
        self.keys = keys
        state = Mutex(State(rights: keys.rights(keys.allowed)))
        let isOpen = DispatchSemaphore(value: 0)
        BackgroundThread.start { [self] in keep(in: context, isOpen) }
        isOpen.wait()
        if let problem = state.withLock({ $0.problem }) { throw problem }
    }

    /// Ends the thread soon.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// What the owner of a key may do; `nil` stands for a message without one.
    func rights(ofKey text: String?) -> PeerRights {
        guard let text else { return [] }
        return state.withLock { $0.rights[text] ?? [] }
    }

    /// The refusals since the last call: how many, and the first of them; and whether the list was read again.
    func takeRefusals() -> (count: Int, decisions: [CurveGate.Decision], hasReread: Bool) {
        state.withLock { state in
            guard state.refusalCount > 0 || state.hasReread else { return (0, [], false) }
            defer { (state.refusals, state.refusalCount, state.hasReread) = ([], 0, false) }
            return (state.refusalCount, state.refusals, state.hasReread)
        }
    }

    private func keep(in context: Context, _ isOpen: DispatchSemaphore) {
        do throws(MessagingError) {
            let gate: CurveGate
            do throws(MessagingError) {
                gate = try CurveGate(in: context, allowing: [])
            } catch {
                state.withLock { $0.problem = error }
                isOpen.signal()
                return
            }
            isOpen.signal()
            var poller = Poller()
            poller.add(gate)
            var nextReread = 0.0
            while !isStopped.load(ordering: .relaxed) {
                guard try poller.wait(milliseconds: 500) else { continue }
                let decisions = try gate.answer { key in isAllowed(key, &nextReread) }
                for decision in decisions where !decision.isAllowed { note(decision) }
            }
        } catch {
            // The context has ended, and with it all servers.
        }
    }

    private func isAllowed(_ key: CurvePublicKey, _ nextReread: inout Double) -> Bool {
        if state.withLock({ $0.rights[key.text] != nil }) { return true }
        let now = MonotonicClock.seconds
        guard let reread = keys.reread, now >= nextReread else { return false }
        nextReread = now + Self.rereadSeconds
        guard let allowed = reread() else { return false }
        let rights = keys.rights(allowed)
        state.withLock { ($0.rights, $0.hasReread) = (rights, true) }
        return rights[key.text] != nil
    }

    private func note(_ decision: CurveGate.Decision) {
        state.withLock { state in
            state.refusalCount += 1
            if state.refusals.count < Self.refusalsMax { state.refusals.append(decision) }
        }
    }
}
