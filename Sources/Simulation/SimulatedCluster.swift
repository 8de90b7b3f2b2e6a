// The cluster of a simulation: its processes, and who starts them anew.

import Checkpoints
import Configuration
import Foundation
import Logging
import Messaging
import Server
import Worker

/// What lives at a place.
enum Role {
    case server, partition, worker, client
}

/// A server, partition servers and workers, each started anew when it ends, as a supervisor does.
final class SimulatedCluster {
    let world: World
    let network: Network
    let checker: Checker
    let plan: FaultPlan
    private let folder: String
    private let textPath: String
    let places: [Place]
    private let roles: [Role]
    /// The process that lives at each place.
    var nodes: [Node?]
    private var lives: [Int]
    var counts = FaultCounts()
    private(set) var isComplete = false
    /// Simulated seconds until the run was complete, or given up.
    private(set) var endSeconds = 0.0
    private var isOver = false
    /// What the next life of a server's disk is like.
    var diskIsFull = false
    var diskSlowness = 0.0
    private var losesPower = false
    /// Workers whose ends a client has yet to report, if there is one.
    var unreportedDeaths: [(name: String, process: Int)] = []
    private var troubles: [String] = []
    /// Called before a process starts, for tests of the checks.
    var beforeStart: (Place) -> Void = { _ in }

    var runPath: String { folder + "/run" }

    init(_ plan: FaultPlan, world: World, folder: String, textPath: String) throws {
        self.plan = plan
        self.world = world
        self.folder = folder
        self.textPath = textPath
        try FileManager.default.createDirectory(atPath: folder + "/trash", withIntermediateDirectories: true)
        let partitions = plan.partitions
        roles =
            [.server] + Array(repeating: .partition, count: partitions)
            + Array(repeating: .worker, count: plan.workers) + (plan.hasClient ? [.client] : [])
        places = roles.enumerated().map { number, role in
            let name =
                switch role {
                case .server: "server"
                case .partition: "partition-\(number)"
                case .worker: "worker-\(number - partitions)"
                case .client: "client"
                }
            // A client has a machine of its own.
            let host = role == .client ? "host-of-client" : "host-\(plan.hosts[number])"
            let place = Place(number: number, name: name, host: host)
            place.secondsPerShard = plan.secondsPerShard
            return place
        }
        nodes = places.map { _ in nil }
        lives = places.map { _ in 0 }
        network = Network(world, dataHost: places[0].host)
        network.conditions = plan.conditions
        var liarName: String?
        if let liar = plan.liar { liarName = places[liar].name }
        checker = Checker(world, plan.shape, liar: liarName)
        if let liar = plan.liar {
            places[liar].liar = Liar(seed: world.random.next(), isSynchronous: plan.shape.consistency == .synchronous)
        }
        checker.lateness = plan.lateness
    }

    // MARK: - Running

    /// Runs the cluster until the run is complete.
    ///
    /// - Parameter patience: seconds after the last fault within which it must be.
    func run(patience: Double) {
        for place in places { start(place, after: world.random.pick(0...0.05)) }
        for (seconds, fault) in plan.faults {
            world.after(seconds: seconds, .perform { [self] in if !isComplete { happen(fault) } })
        }
        world.after(seconds: plan.quietAfter, .perform { [self] in calmDown() })
        let end = UInt64((plan.quietAfter + patience) * 1e9)
        let wasInTime = world.run(until: end) { !isComplete && checker.complaints.isEmpty }
        if !isComplete, checker.complaints.isEmpty {
            let lately = troubles.suffix(4).joined(separator: "; ")
            checker.complain(
                "no progress: the run is not complete \(Int(patience)) s after the last fault"
                    + (wasInTime ? "; nothing happens any more" : "") + (lately.isEmpty ? "" : "; lately: \(lately)"))
        }
        isOver = true
        endSeconds = Double(world.now) * 1e-9
        for node in nodes { node?.kill("the simulation is over") }
        _ = world.run(until: .max) { self.nodes.contains { $0 != nil } }
        world.end()
        counts = counts + network.counts
        counts.lies = places.reduce(0) { $0 + ($1.liar?.count ?? 0) }
        counts.expulsions = checker.onlyLiars.expulsions
    }

    // MARK: - Lives

    private func start(_ place: Place, after seconds: Double) {
        world.after(seconds: seconds, .perform { [self] in if !isOver { start(place) } })
    }

    private func start(_ place: Place) {
        beforeStart(place)
        lives[place.number] += 1
        let life = lives[place.number]
        let node = Node(
            "\(place.name).\(life)", number: place.number, life: life, at: place, in: network, checker: checker)
        nodes[place.number] = node
        world.log.note(world.now, place.number, LogKind.start, life, "\(node.name) starts on \(place.host)")
        if life > 1 { counts.restarts += 1 }
        let logger = SimulatedLog.logger(for: node)
        switch roles[place.number] {
        case .server:
            let disk = NodeDisk(of: node, trash: folder + "/trash")
            (disk.isFull, disk.slowness) = (diskIsFull, diskSlowness)
            let order = checker.invariants.lazy.compactMap { $0 as? VersionOrder }.first
            disk.whenDurable = { order?.durable = max(order?.durable ?? 0, $0) }
            node.disk = disk
            let options = serverOptions(resumes: life > 1)
            node.start { [self, unowned node] in
                do throws(ServerError) {
                    let end = try ParameterServer.serve(options, logger: logger)
                    noteEnd(of: node, end == .completed ? "completed" : "stopped", isCompletion: end == .completed)
                } catch {
                    noteEnd(of: node, "\(error)", isExpected: isExpected(error))
                }
            }
        case .partition:
            let options = PartitionServerOptions(endpoint: place.endpoint, isInsecure: true)
            node.start { [self, unowned node] in
                do throws(ServerError) {
                    let end = try PartitionServer.serve(options, logger: logger)
                    noteEnd(of: node, end == .completed ? "dismissed" : "stopped")
                } catch {
                    noteEnd(of: node, "\(error)", isExpected: isExpected(error))
                }
            }
        case .worker:
            let options = WorkerOptions(
                endpoint: places[0].endpoint, name: place.name, dataDirectories: [runPath + "/data"],
                patienceSeconds: 20, sharesMemory: plan.sharesMemory)
            node.start { [self, unowned node] in
                do throws(WorkerError) {
                    try TrainingWorker(options, logger: logger).run()
                    noteEnd(of: node, "done")
                } catch {
                    noteEnd(of: node, "\(error)", isExpected: isExpected(error))
                }
            }
        case .client:
            node.start { [self, unowned node] in
                beClient(node)
                noteEnd(of: node, "done")
            }
        }
        node.whenEnded = { [self, unowned node] in bury(node) }
    }

    private func serverOptions(resumes: Bool) -> ServerOptions {
        ServerOptions(
            configuration: plan.shape.configuration(
                text: textPath, checkpointEvery: plan.checkpointEvery, keep: plan.keep),
            endpoint: places[0].endpoint, output: runPath, resumes: resumes, expectedWorkers: plan.workers,
            isInsecure: true, partitionServers: places[1..<1 + plan.partitions].map(\.endpoint))
    }

    /// A process ended by itself.
    private func noteEnd(of node: Node, _ how: String, isCompletion: Bool = false, isExpected: Bool = true) {
        guard !node.isDead else { return }
        world.log.note(world.now, node.number, LogKind.end, isCompletion ? 1 : 0, "\(node.name) ends: \(how)")
        if isCompletion { isComplete = true }
        if !isExpected { checker.complain("\(node.name) ended: \(how)") }
        troubles.append("\(node.name): \(how)")
    }

    /// The last thread of a process has ended: another life begins soon.
    private func bury(_ node: Node) {
        if let disk = node.disk {
            if losesPower {
                losesPower = false
                disk.losePower()
            }
            counts.tornChanges += disk.torn
        }
        node.disk = nil
        if roles[node.place.number] == .worker, plan.hasClient {
            unreportedDeaths.append((node.place.name, node.identifier))
        }
        nodes[node.place.number] = nil
        guard !isOver, !isComplete else { return }
        start(node.place, after: world.random.pick(0.05...1.5))
    }

    /// Whether a process may end like this when others, the network or the disk fail.
    private func isExpected(_ error: ServerError) -> Bool {
        switch error {
        case .partition, .endpoint, .abandoned, .interrupted, .system: true
        case .directory, .data, .storage: counts.fullDisks > 0
        case .usage, .training: false
        }
    }

    private func isExpected(_ error: WorkerError) -> Bool {
        switch error {
        case .unreachable, .storage, .system: true
        case .data, .training: false
        }
    }

    /// The server's disk loses what is not synced when its present life ends.
    func loseNextPower() { losesPower = true }
}
