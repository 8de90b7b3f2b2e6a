// What clients and the supervisor make of a status in which anything may stand.

import Platform
import Supervisor
import Testing
import WireProtocol

@testable import Client

@Suite("statuses of any content", .serialized)
struct StatusFuzzTests {
    @Test("extremes in every number and text of a status, one or several at once, give a line that fits a terminal")
    func extremes() {
        var random = SplitMix(state: 1)
        let counts: [UInt64] = [0, 1, 100, 1 << 31, 1 << 32, 1 << 53, 1 << 63, .max - 1, .max]
        let values: [Double] = [
            0, -1, 1e-300, 1e300, -1e300, .infinity, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
        ]
        let accents = String(repeating: "e\u{301}\u{302}", count: 5000)
        let texts = ["", "training", "\u{1B}[2J\u{7}\r\n", "\u{202E}abc", accents, "finished"]
        func count() -> UInt64 { counts.randomElement(using: &random) ?? 0 }
        func value() -> Double { values.randomElement(using: &random) ?? 0 }
        func text() -> String { texts.randomElement(using: &random) ?? "" }
        func seconds() -> [WireActivitySeconds] { [WireActivitySeconds(text(), seconds: value())] }
        for round in 0..<3000 {
            var worker = WireWorkerStatus()
            (worker.name, worker.host, worker.state, worker.instructionSet) = (text(), text(), text(), text())
            worker.process = Int64(truncatingIfNeeded: count())
            (worker.span.lower, worker.span.upper) = (.max, UInt32(truncatingIfNeeded: count()))
            (worker.tokensPerSecond, worker.silentSeconds) = (value(), value())
            (worker.residentBytes, worker.steps, worker.seconds) = (count(), count(), seconds())
            var partition = WirePartitionStatus()
            (partition.endpoint, partition.parameters, partition.residentBytes) = (text(), count(), count())
            (partition.silentSeconds, partition.seconds) = (value(), seconds())
            var counter = WireCounter()
            (counter.name, counter.value) = (text(), count())
            var status = WireStatus()
            (status.phase, status.step, status.stepsTotal) = (text(), count(), count())
            (status.epoch, status.epochsTotal, status.bestStep) = (count(), count(), count())
            (status.trainingLoss, status.smoothedLoss, status.gradientNorm) = (value(), value(), value())
            (status.validationLoss, status.bestValidationLoss) = (value(), value())
            (status.tokensPerSecond, status.secondsLeft, status.uptimeSeconds) = (value(), value(), value())
            (status.parameters, status.residentBytes) = (count(), count())
            (status.outputDirectory, status.latestCheckpoint, status.problem) = (text(), text(), text())
            (status.configurationSummary, status.waiting) = (text(), text())
            (status.lastStepUptimeSeconds, status.seconds) = (value(), seconds())
            (status.workers, status.partitions, status.counters) = ([worker], [partition], [counter])
            let run = RunStatus(status)
            let lines = [
                ProgressLine.plain(run), ProgressLine.bar(run, columns: 80), Readable.memory(run.residentBytes),
                Readable.duration(run.uptimeSeconds), Readable.count(run.tokensPerSecond), Readable.grouped(run.step),
            ]
            for line in lines {
                #expect(line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" }, "round \(round)")
                #expect(line.utf8.count < 20_000, "round \(round)")
            }
            #expect((0...ForeignNumber.countMax).contains(run.step), "round \(round)")
            #expect(run.workers[0].name.utf8.count <= ForeignText.nameBytesMax + 3, "round \(round)")
        }
    }
}
