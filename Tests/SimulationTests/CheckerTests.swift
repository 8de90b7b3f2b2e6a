// The checks themselves: a broken cluster does not go unnoticed.

import Foundation
import Platform
import Testing

@testable import Simulation

/// A cluster of two workers and a partition server without faults of its own.
private func quietPlan(_ change: (inout FaultPlan) -> Void = { _ in }) -> FaultPlan {
    var plan = FaultPlan(reference: RunShape(number: 0))
    plan.workers = 2
    plan.partitions = 1
    plan.hosts = [0, 0, 0, 0]
    plan.sharesMemory = false
    plan.checkpointEvery = 1
    plan.quietAfter = 2
    change(&plan)
    return plan
}

private func complaints(_ plan: FaultPlan, tamper: @escaping (SimulatedCluster) -> Void) throws -> String {
    try Simulator().run(plan, seed: 5, tamper: tamper).complaints.joined(separator: "\n")
}

@Test("a cluster of which nothing is broken gives no complaint")
func nothingBroken() throws {
    #expect(try complaints(quietPlan()) { _ in } == "")
}

@Test("a bit that flips on the way shows in the final weights")
func flippedBit() throws {
    var flipped = 0
    let found = try complaints(quietPlan()) { cluster in
        cluster.network.tamper = { message, _ in
            guard message.summary.kind == 12, flipped == 0, let last = message.frames.indices.last, last > 0,
                message.frames[last].count > 3
            else { return }
            flipped += 1
            message.frames[last][2] ^= 0x40
        }
    }
    #expect(flipped == 1)
    #expect(found.contains("the final weights are not those"))
}

@Test("a shard that is left out of a sum is noticed, and one that is added twice")
func lostAndDoubledShards() throws {
    var dropped = 0
    let lost = try complaints(quietPlan()) { cluster in
        cluster.checker.tamper = { milestone in
            guard case .gradientAccepted(step: 2, chunk: 4, _, _) = milestone, dropped == 0 else { return milestone }
            dropped += 1
            return nil
        }
    }
    #expect(lost.contains("applies step 2, chunk 4 with shards"))
    let doubled = try complaints(quietPlan()) { cluster in
        cluster.checker.tamper = { milestone in
            guard case .gradientAccepted(step: 2, let chunk, let lower, _) = milestone, lower > 0 else {
                return milestone
            }
            return .gradientAccepted(step: 2, chunk: chunk, lower: lower - 1, upper: lower + 1)
        }
    }
    #expect(doubled.contains("adds shards"))
}

@Test("a gradient of an earlier life that is taken in is noticed")
func mixedLives() throws {
    let found = try complaints(quietPlan()) { cluster in
        cluster.checker.tamperReceived = { message in
            var changed = message
            if message.summary.kind == 12, message.summary.numbers[0] == 3 { changed.summary.incarnation -= 1 }
            return changed
        }
    }
    #expect(found.contains("of life 1: gradientAccepted(step: 3"))
}

@Test("a checkpoint that was on the disk for good and is lost is noticed")
func lostCheckpoint() throws {
    let plan = quietPlan { $0.faults = [(0.4, .kill(place: 0, inSteps: 1, silence: 0))] }
    let found = try complaints(plan) { cluster in
        cluster.beforeStart = { place in
            guard place.number == 0 else { return }
            let folder = cluster.runPath + "/checkpoints"
            let steps = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.filter { $0.hasPrefix("step-") }
            guard let newest = steps?.max() else { return }
            try? FileManager.default.removeItem(atPath: folder + "/" + newest)
        }
    }
    #expect(found.contains("before checkpoint"))
}

@Test("a cluster that goes nowhere is noticed")
func noProgress() throws {
    let found = try complaints(quietPlan()) { cluster in
        cluster.network.cut(NetworkCut(places: [0], holdsOut: true, holdsIn: false), seconds: 1e6)
    }
    #expect(found.contains("no progress"))
}
