// The modes without steps: which shards are where, and which updates are under way.

import Numerics

/// A worker's gradients on their way into the weights, in the modes `bounded` and `asynchronous`.
public struct Update: Sendable, Equatable {
    /// What it was computed for. The shards are a node of the reduction tree, and their sum is applied by itself.
    public let lease: Lease
    /// Who computed it.
    public let worker: WorkerIdentifier
    /// What it gave besides gradients; `nil` while it is being computed.
    public internal(set) var outcome: StepOutcome?
    /// Its gradients are summed in all partitions.
    var isSummed = false
    /// The versions that were applied between the weights that it was computed with and its own; known once it is
    /// applied.
    public internal(set) var staleness = 0
}

/// The bookkeeping of training without common steps: every shard goes through its steps by itself, in order, and the
/// sum of some shards' gradients is applied as soon as it is there.
///
/// With a bound of *k* versions (stale synchronous parallel; Ho et al. 2013) an update that is not applied yet may have
/// to wait for older ones, and a new one is begun only if it can still be applied in time: of the updates that are not
/// applied, in the order of their weights' versions, the *j*-th (from 0) can be applied to version *u* + *j* at best,
/// which must be within its bound.
struct UpdateFlow: Sendable {
    /// Versions that an update's weights may be behind when it is applied; `nil` for no bound.
    let stalenessMax: Int?
    /// For each shard its next step: all before it are in the weights.
    private(set) var positions: [Int]
    /// Updates that are not applied yet, in the order in which they were begun.
    private(set) var open: [Update] = []
    /// The update that the shell is applying.
    private(set) var applying: Update?
    private let tree: ReductionTree

    init(tree: ReductionTree, stalenessMax: Int?, positions: [Int]) {
        precondition(positions.count == tree.shards, "one position for each shard")
        self.tree = tree
        self.stalenessMax = stalenessMax
        self.positions = positions
    }

    /// The steps that all shards together have done; what is begun does not count.
    var completedSteps: Int { positions.reduce(0, +) / tree.shards }

    /// Whether an update that begins with the weights of `version` can be applied within the bound.
    func mayBegin(version: Int) -> Bool {
        stalenessMax.map { open.count <= $0 } ?? true
    }

    /// The shards that should be computed next: those that are furthest behind, as one node of the tree of at most
    /// `shards` shards; `nil` if all that are below `barrier` are under way, or among those that are left out.
    func next(
        shards: Int, barrier: Int, besides leftOut: Set<Int> = []
    ) -> (node: ShardRange, step: Int)? {
        let busy = leftOut.union(open.flatMap { Array($0.lease.span.indices) })
        let waiting = positions.indices.filter { !busy.contains($0) && positions[$0] < barrier }
        guard let step = waiting.map({ positions[$0] }).min() else { return nil }
        let behind = Set(waiting.filter { positions[$0] == step })
        var best: ShardRange?
        func search(_ node: ShardRange) {
            guard node.count > best?.count ?? 0 else { return }
            if node.count <= max(1, shards), node.indices.allSatisfy({ behind.contains($0) }) {
                best = node
            } else if let (left, right) = tree.children(of: node) {
                search(left)
                search(right)
            }
        }
        search(tree.root)
        return best.map { ($0, step) }
    }

    /// Whether all shards of a node wait for a step, and none is under way.
    func isFree(_ node: ShardRange, step: Int) -> Bool {
        !open.contains { $0.lease.span.indices.overlaps(node.indices) }
            && node.indices.allSatisfy { positions[$0] == step }
    }

    mutating func begin(_ lease: Lease, by worker: WorkerIdentifier) {
        open.append(Update(lease: lease, worker: worker))
    }

    /// The update of a lease, unless it is applied or dropped.
    func update(lease: Int) -> Update? { open.first { $0.lease.identifier == lease } }

    /// An update is not to come any more: its shards are free again.
    mutating func drop(lease: Int) { open.removeAll { $0.lease.identifier == lease } }

    mutating func noteOutcomes(_ outcomes: [ShardOutcome], lease: Int) {
        guard let index = open.firstIndex(where: { $0.lease.identifier == lease }) else { return }
        open[index].outcome = StepOutcome(summing: outcomes, of: open[index].lease.span, along: tree)
    }

    mutating func noteSummed(lease: Int) {
        guard let index = open.firstIndex(where: { $0.lease.identifier == lease }) else { return }
        open[index].isSummed = true
    }

    /// Takes the next update that can be applied to `version` without making another one too old, if none is being
    /// applied.
    mutating func takeApplicable(version: Int) -> Update? {
        guard applying == nil else { return nil }
        let index = open.firstIndex { update in
            update.isSummed && isFeasible(open.filter { $0 != update }, version: version + 1)
        }
        guard let index else { return nil }
        var update = open.remove(at: index)
        update.staleness = version - update.lease.version
        applying = update
        return update
    }

    /// Whether all of these can be applied within the bound if the next one is applied to `version`.
    private func isFeasible(_ updates: [Update], version: Int) -> Bool {
        guard let stalenessMax else { return true }
        return updates.map(\.lease.version).sorted().enumerated().allSatisfy { $1 + stalenessMax >= version + $0 }
    }

    /// The update that was taken is in the weights.
    mutating func noteApplied() -> Update? {
        guard let update = applying else { return nil }
        applying = nil
        for shard in update.lease.span.indices { positions[shard] += 1 }
        return update
    }
}
