// What goes wrong in a simulation, decided by the seed.

/// Something that goes wrong.
enum Fault {
    /// A process is killed at one of its next steps; others learn of it from the network after a silence.
    case kill(place: Int, inSteps: Int, silence: Double)
    /// A process stands still.
    case freeze(place: Int, seconds: Double)
    /// The machine of the server loses power at one of its next steps.
    case losePower(inSteps: Int)
    /// SIGTERM.
    case terminate(place: Int)
    case breakConnection
    case cut(NetworkCut, seconds: Double)
    case slowDown(place: Int, factor: Double, seconds: Double)
    case fillDisk(seconds: Double)
    case slowDisk(probability: Double, seconds: Double)
}

/// How often each kind of fault happened.
struct FaultCounts: Sendable {
    var kills = 0
    var powerLosses = 0
    var terminations = 0
    var brokenConnections = 0
    var cuts = 0
    var freezes = 0
    var slowDowns = 0
    var fullDisks = 0
    var slowDisks = 0
    var delays = 0
    var duplicates = 0
    var lostMessages = 0
    var tornChanges = 0
    var restarts = 0
    var snapshots = 0
    var lies = 0
    var expulsions = 0

    /// By name, in order.
    var list: [(name: String, count: Int)] {
        [
            ("kills", kills), ("power losses", powerLosses), ("SIGTERMs", terminations),
            ("broken connections", brokenConnections), ("cuts", cuts), ("freezes", freezes),
            ("slow workers", slowDowns),
            ("full disks", fullDisks), ("slow disks", slowDisks), ("long delays", delays),
            ("duplicates", duplicates), ("lost messages", lostMessages), ("torn changes", tornChanges),
            ("restarts", restarts), ("snapshots", snapshots), ("lies", lies), ("liars kept out", expulsions),
        ]
    }

    static func + (left: FaultCounts, right: FaultCounts) -> FaultCounts {
        var sum = left
        sum.kills += right.kills
        sum.powerLosses += right.powerLosses
        sum.terminations += right.terminations
        sum.brokenConnections += right.brokenConnections
        sum.cuts += right.cuts
        sum.freezes += right.freezes
        sum.slowDowns += right.slowDowns
        sum.fullDisks += right.fullDisks
        sum.slowDisks += right.slowDisks
        sum.delays += right.delays
        sum.duplicates += right.duplicates
        sum.lostMessages += right.lostMessages
        sum.tornChanges += right.tornChanges
        sum.restarts += right.restarts
        sum.snapshots += right.snapshots
        sum.lies += right.lies
        sum.expulsions += right.expulsions
        return sum
    }
}

/// The cluster of a simulation and its faults.
struct FaultPlan {
    var shape: RunShape
    var workers = 1
    var partitions = 0
    /// For each place, the server first, then partition servers, then workers: the machine it is on.
    var hosts: [Int] = []
    var sharesMemory = true
    /// The place of a worker that lies, if there is one; there are others.
    var liar: Int?
    /// Whether somebody watches, pulls weights and reports the ends of workers.
    var hasClient = false
    var checkpointEvery = 3
    var keep = 2
    var secondsPerShard = 0.02
    var lateness = 1
    var conditions = NetworkConditions()
    var faults: [(seconds: Double, fault: Fault)] = []
    /// From then on nothing goes wrong any more.
    var quietAfter = 0.0

    /// The run of a shape with which all others are compared: one worker, and nothing goes wrong.
    init(reference shape: RunShape) {
        self.shape = shape
        hosts = [0, 0]
        lateness = 5
    }

    /// The plan of a seed.
    init(seed: UInt64) {
        var random = SplitMix(seed: seed &* 0x9E37_79B9 &+ 17)
        shape = RunShape(number: random.below(RunShape.count))
        workers = random.pick(1...3) + (random.happens(0.2) ? 1 : 0)
        partitions = random.happens(0.5) ? 0 : random.pick(1...2)
        sharesMemory = random.happens(0.5)
        let machines = random.pick(1...3)
        let places = 1 + partitions + workers
        hosts = (0..<places).map { _ in random.below(machines) }
        hasClient = random.happens(0.2)
        checkpointEvery = random.pick(1...4)
        keep = random.pick(1...3)
        secondsPerShard = random.pick(0.002...0.06)
        lateness = [1, 3, 5, 5][random.below(4)]
        conditions.delay = 0.0001...random.pick(0.0005...0.01)
        // About as long as the run would take without faults.
        let seconds = 0.4 + Double(shape.steps) * (2.5 * secondsPerShard + 5 * conditions.delay.upperBound)
        quietAfter = seconds * 3
        if random.happens(0.3) {
            conditions.spikeProbability = random.pick(0.001...0.02)
            conditions.spike = random.pick(0.1...3)
        }
        if random.happens(0.25) { conditions.duplication = random.pick(0.002...0.05) }
        for _ in 0..<random.pick(0...7) {
            faults.append(
                (
                    random.pick(0...seconds * (random.happens(0.3) ? 2.5 : 1)),
                    Self.fault(&random, places: places, partitions: partitions)
                ))
        }
        faults.sort { $0.seconds < $1.seconds }
        if workers > 1, random.happens(0.4) { liar = 1 + partitions + random.below(workers) }
    }

    private static func fault(_ random: inout SplitMix, places: Int, partitions: Int) -> Fault {
        let isWorker = random.happens(0.5)
        let place = isWorker ? random.pick(1 + partitions...places - 1) : random.below(places)
        switch random.below(18) {
        case 0...4:
            let silence = random.happens(0.25) ? random.pick(1.0...30) : 0
            return .kill(place: place, inSteps: random.pick(1...random.pick(1...600)), silence: silence)
        case 5, 6: return .losePower(inSteps: random.pick(1...random.pick(1...600)))
        case 7: return .terminate(place: place)
        case 8, 9: return .breakConnection
        case 10, 11, 12:
            let kind = random.below(3)
            let cut = NetworkCut(places: [place], holdsOut: kind != 1, holdsIn: kind != 0)
            return .cut(cut, seconds: random.happens(0.5) ? random.pick(0.1...2) : random.pick(2...12))
        case 13:
            return .slowDown(
                place: random.pick(1 + partitions...places - 1), factor: random.pick(3...40),
                seconds: random.pick(0.5...5))
        case 14, 15:
            return .freeze(place: place, seconds: random.happens(0.5) ? random.pick(0.1...2) : random.pick(2...12))
        case 16: return .fillDisk(seconds: random.pick(0.1...3))
        default: return .slowDisk(probability: random.pick(0.01...0.1), seconds: random.pick(0.5...4))
        }
    }
}
