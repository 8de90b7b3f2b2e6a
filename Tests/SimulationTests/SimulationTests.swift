// Thousands of clusters under faults.

import Testing

@testable import Simulation

@Test("a run without faults is complete, twice in the same way")
func withoutFaults() throws {
    let simulator = try Simulator()
    let plan = FaultPlan(reference: RunShape(number: 0))
    let first = try simulator.run(plan, seed: 1)
    let second = try simulator.run(plan, seed: 1)
    #expect(first.complaints == [])
    #expect(first.digest == second.digest)
}
