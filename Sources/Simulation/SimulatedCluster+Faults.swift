// Faults, as they happen.

extension SimulatedCluster {
    /// Lets a fault happen now.
    func happen(_ fault: Fault) {
        world.log.note(world.now, 0, LogKind.fault, 0, "FAULT: \(fault)")
        switch fault {
        case .kill(let place, let steps, let silence):
            kill(place: place, inSteps: steps, silence: silence, cutsPower: false)
        case .losePower(let steps): kill(place: 0, inSteps: steps, silence: 0, cutsPower: true)
        case .freeze(let place, let seconds):
            counts.freezes += 1
            nodes[place]?.frozenUntil = world.now + UInt64(min(seconds, secondsUntilQuiet) * 1e9)
        case .terminate(let place):
            counts.terminations += 1
            nodes[place]?.terminate()
        case .breakConnection: network.breakSomeConnection()
        case .cut(let cut, let seconds):
            counts.cuts += 1
            network.cut(cut, seconds: min(seconds, secondsUntilQuiet))
        case .slowDown(let place, let factor, let seconds):
            counts.slowDowns += 1
            places[place].secondsPerShard = plan.secondsPerShard * factor
            world.after(
                seconds: seconds, .perform { self.places[place].secondsPerShard = self.plan.secondsPerShard })
        case .fillDisk(let seconds):
            counts.fullDisks += 1
            setDisk(isFull: true, slowness: diskSlowness)
            world.after(seconds: seconds, .perform { self.setDisk(isFull: false, slowness: self.diskSlowness) })
        case .slowDisk(let probability, let seconds):
            counts.slowDisks += 1
            setDisk(isFull: diskIsFull, slowness: probability)
            world.after(seconds: seconds, .perform { self.setDisk(isFull: self.diskIsFull, slowness: 0) })
        }
    }

    private var secondsUntilQuiet: Double { max(0.001, plan.quietAfter - Double(world.now) * 1e-9) }

    private func kill(place: Int, inSteps steps: Int, silence: Double, cutsPower: Bool) {
        guard let node = nodes[place], !node.isDead, node.diesAtStep == nil else { return }
        node.diesAtStep = node.steps + steps
        node.silence = silence
        node.whenKilled = { [self] in
            counts.kills += cutsPower ? 0 : 1
            counts.powerLosses += cutsPower ? 1 : 0
            if cutsPower { loseNextPower() }
        }
    }

    private func setDisk(isFull: Bool, slowness: Double) {
        (diskIsFull, diskSlowness) = (isFull, slowness)
        nodes[0]?.disk?.isFull = isFull
        nodes[0]?.disk?.slowness = slowness
    }

    /// From now on nothing goes wrong any more.
    func calmDown() {
        world.log.note(world.now, 0, LogKind.fault, 1, "from now on nothing goes wrong")
        network.conditions.spikeProbability = 0
        network.conditions.duplication = 0
        setDisk(isFull: false, slowness: 0)
        for place in places { place.secondsPerShard = plan.secondsPerShard }
        for node in nodes { node?.diesAtStep = nil }
    }
}
