// What goes into the coordinator and what comes out.

/// What the coordinator is told.
public enum CoordinatorEvent: Sendable {
    /// A worker has its data and wants weights and work. `process` names its process among all machines: a process that
    /// connects anew has left its old connection behind.
    case workerReady(WorkerIdentifier, name: String, process: String)
    /// A worker holds all weights of a version.
    case acknowledged(WorkerIdentifier, version: Int)
    /// Any sign of life.
    case heard(WorkerIdentifier)
    /// A worker died, or broke the protocol.
    case workerGone(WorkerIdentifier, reason: String)
    /// A worker leaves in order, and gives back what it computes.
    case workerLeft(WorkerIdentifier)
    /// A worker delivered all of a lease (its partial sums are in).
    case spanDone(WorkerIdentifier, lease: Int, outcomes: [ShardOutcome])
    /// A worker delivered a lease whose span somebody else had delivered before (see `lateLease(of:)`).
    case lateSpanDone(WorkerIdentifier, lease: Int)
    /// A worker says that it cannot compute its lease.
    case computationFailed(WorkerIdentifier, step: Int, shard: Int, reason: String)
    /// A carried state that a worker delivered with a lease is not finite.
    case stateUnusable(WorkerIdentifier, lease: Int, shard: Int)
    /// A partial sum, of nodes that begin with this shard, is not finite or too large to be summed.
    case gradientUnusable(WorkerIdentifier, sum: Int, shard: Int)
    /// All gradients of the step, or of the sum of this number, are summed; the sum is not finite or too large.
    case sumUnusable(Int)
    /// A worker sent what no computation gives, whatever the data are: other counts, other shapes.
    case misconduct(WorkerIdentifier, reason: String)
    /// The gradients of all shards of the step, or of the sum of this number, are summed, in all partitions.
    case reduced(step: Int)
    /// All spans of the step, or of the sum of this number, were reported done, and yet a partition waits for gradients
    /// in vain: they were lost with a connection.
    case gradientsLost(step: Int)
    /// The shell has applied the step, or the update, that turns the weights into this version.
    case applied(version: Int)
    /// Somebody asks for an orderly end.
    case stopRequested
    /// The server itself stood still for so long: no deadline ran.
    case stalled(seconds: Double)
    /// Time has passed.
    case tick
}

/// What the coordinator asks its shell to do.
public enum CoordinatorAction: Sendable, Equatable {
    /// Send all weights of the present version to a worker.
    case sendWeights(WorkerIdentifier)
    /// Send a lease. The weights it needs were sent before.
    case grant(WorkerIdentifier, Lease)
    /// All spans of the step, or of the sum of this number, are done: report `reduced` once their gradients are summed
    /// everywhere.
    case awaitSums(step: Int)
    /// All gradients are summed: clip, apply Adam, stream the new weights to the recipients, then report `applied`.
    case apply(step: Int, outcome: StepOutcome, recipients: [WorkerIdentifier])
    /// One worker's gradients are summed: clip, apply Adam, report `applied`. Nobody is sent the new weights before
    /// `sendWeights` says so.
    case applyUpdate(Update)
    /// The sum of this number will not be completed: its worker is gone.
    case dropSum(Int)
    /// The validation loss at a step is known.
    case evaluated(version: Int, outcome: StepOutcome)
    /// Write a checkpoint of the present weights, at this step.
    case checkpoint(version: Int)
    /// The step begins anew: what was summed of it, at all partitions, does not count. Of some workers nothing is taken
    /// for it.
    case restartSum(Int, refusing: [WorkerIdentifier])
    /// A worker is no longer counted on; tell it, should it still listen.
    case dismissed(WorkerIdentifier, reason: String)
    /// A worker's results cannot be relied on: it is let go of, and kept out for a while.
    case expelled(WorkerIdentifier, reason: String)
    /// Something is wrong with a worker's result, for people to know.
    case warned(WorkerIdentifier, reason: String)
    /// A worker has left, as it said.
    case left(WorkerIdentifier)
    /// The run has ended.
    case finish(RunEnd)
}

/// How a run ended.
public enum RunEnd: Sendable, Equatable {
    /// All steps are done.
    case completed
    /// On request, after a checkpoint.
    case stopped
    /// The computation failed; the weights of the last applied step are in a checkpoint.
    case failed(reason: String)
    /// A result cannot be used, and those who computed it agree: data, rate or clipping are to blame.
    case diverged(Divergence)
}
