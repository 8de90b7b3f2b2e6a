// A client of a simulated cluster: it looks, pulls weights, and reports deaths as a supervisor does.

import Client
import Platform

extension SimulatedCluster {
    /// What a client does until its process is killed.
    func beClient(_ node: Node) {
        while !node.isDead {
            node.sleep(seconds: world.random.pick(0.1...1))
            do {
                let client = try ServerClient(places[0].endpoint, answerSecondsMax: 2)
                while !node.isDead, let death = unreportedDeaths.popLast() {
                    try client.reportDeath(ofWorker: death.name, process: death.process)
                }
                let step = try client.status().step
                let wanted: SnapshotChoice =
                    [.newest, .best, .version(world.random.below(step + 1))][world.random.below(3)]
                let snapshot = try client.snapshot(wanted)
                guard !node.isDead else { return }
                counts.snapshots += 1
                checker.noteSnapshot(version: snapshot.version, weights: snapshot.weights, by: node)
            } catch {
                world.log.remark(world.now, "\(node.name): \(error)")
            }
        }
    }
}
