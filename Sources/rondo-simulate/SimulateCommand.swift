// The command line of the simulation.

import ArgumentParser
import Foundation
import Simulation
import Synchronization

@main
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rondo-simulate", abstract: "Simulates clusters under faults, one for each seed.",
        discussion: "Prints what did not hold, and how to replay it. Exit code 1 if anything did not hold.")

    @Option(help: ArgumentHelp("The seeds, both ends included.", valueName: "a..b"))
    var seeds = "1..2000"

    @Flag(help: "Print every event of every seed.")
    var log = false

    @Flag(help: "Print a digest of the events of each seed, in the order in which they are done.")
    var digests = false

    @Option(help: ArgumentHelp("Worlds at a time.", valueName: "n"))
    var threads = 2

    mutating func validate() throws {
        guard range != nil else { throw ValidationError("--seeds \(seeds): expected such as 1..2000") }
        guard (1...256).contains(threads) else { throw ValidationError("--threads \(threads): expected 1 to 256") }
    }

    private var range: ClosedRange<UInt64>? {
        let ends = seeds.split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
        guard ends.count == 2 || ends.count == 1, let lower = ends[0], let upper = ends[ends.count - 1], lower <= upper
        else { return nil }
        return lower...upper
    }

    mutating func run() throws {
        guard let range else { return }
        let (isVerbose, showsDigests) = (log, digests)
        SimulatedRange.nameSeedsOfCrashes()
        let summary = try SimulatedRange.run(range, threads: log ? 1 : threads) { line in
            print(line)
        } digest: { seed, digest in
            if showsDigests { print("seed \(seed): \(String(digest, radix: 16))") }
        } log: {
            isVerbose ? { print($0) } : nil
        }
        print(summary)
        if summary.failures > 0 { throw ExitCode(1) }
    }
}
