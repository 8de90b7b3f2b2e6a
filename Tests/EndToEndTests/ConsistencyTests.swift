// Real runs without common steps: nothing is lost or counted twice, and the bound holds.

import Foundation
import Testing

@Suite("consistency modes", .serialized)
struct ConsistencyTests {
    private func audit(_ scratch: Scratch, _ run: String) throws -> [String: Any] {
        let ending = try RunningProgram(.rondo, ["audit", run, "--json"], in: scratch).wait()
        #expect(ending.code == 0, "\(ending)")
        return try #require(try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
    }

    private func validationLoss(_ scratch: Scratch, _ run: String) throws -> Double {
        let json = try Data(contentsOf: scratch.url("\(run)/checkpoints/latest/run.json"))
        let record = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        return try #require(record["validationLoss"] as? Double)
    }

    @Test(
        "every example counts once though workers die, and the loss is about that of synchronous training",
        arguments: [("asynchronous", 0, Int.max), ("{bounded: 1}", 0, 1), ("{bounded: 2}", 2, 2)])
    func countsOnce(mode: String, partitions: Int, stalenessMax: Int) throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1200)
        try scratch.write(smallConfiguration(), to: "config.yaml")
        let quiet = try SmallCluster(scratch, run: "synchronous", workers: 1)
        let quietEnding = quiet.server.wait()
        #expect(quietEnding.code == 0, "\(quietEnding)")
        try scratch.write(smallConfiguration(training: ", consistency: \(mode)"), to: "config.yaml")
        let cluster = try SmallCluster(
            scratch, run: "free", workers: 3, partitionServers: PartitionProgram.start(partitions, scratch))
        try cluster.waitForStep(8)
        cluster.workers[0].signal(SIGKILL)
        try cluster.addWorker()
        let ending = cluster.server.wait()
        #expect(ending.code == 0, "\(ending)")
        let report = try audit(scratch, "free")
        #expect(report["isProven"] as? Bool == true && report["isComplete"] as? Bool == true, "\(report)")
        #expect(report["provenSteps"] as? Int == report["totalSteps"] as? Int)
        let staleness = try #require(report["stalenessMax"] as? Int)
        #expect(staleness <= stalenessMax && staleness > 0, "\(staleness)")
        // A quick check that it learns; scripts/compare-consistency measures.
        let difference = try validationLoss(scratch, "free") - validationLoss(scratch, "synchronous")
        #expect(difference < 0.3, "\(difference)")
    }

    @Test("a run without common steps is continued by another life of the server where its shards were")
    func continues() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus(sentences: 1200)
        try scratch.write(smallConfiguration(training: ", consistency: asynchronous"), to: "config.yaml")
        let first = try SmallCluster(scratch, run: "free", workers: 2)
        try first.waitForStep(23)
        first.server.signal(SIGKILL)
        _ = first.server.wait()
        for worker in first.workers { worker.signal(SIGKILL) }
        let second = try SmallCluster(scratch, run: "free", workers: 3, resumes: true)
        try second.waitForStep(30)
        second.server.signal(SIGTERM)
        #expect(second.server.wait().code == 130)
        let third = try SmallCluster(scratch, run: "free", workers: 1, resumes: true)
        let ending = third.server.wait()
        #expect(ending.code == 0, "\(ending)")
        let report = try audit(scratch, "free")
        #expect(report["isProven"] as? Bool == true && report["isComplete"] as? Bool == true, "\(report)")
        #expect((report["lives"] as? [Any])?.count == 3)
    }
}
