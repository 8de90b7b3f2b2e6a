// Disks that take long, and inputs that never come: a small library, loaded into our programs, makes them so.

import Foundation
import Testing

/// A library that makes some system calls slow, built for the test.
private enum SlowCalls {
    /// fsync of a file whose name holds `SLOW_SYNC` takes `SLOW_SECONDS`; reading one whose name holds `HANG_READ`
    /// never ends once the file `HANG_WHEN` is there; a file `hanging` is made
    /// then.
    private static let source = #"""
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        static int concerns(int descriptor, const char *variable) {
            const char *part = getenv(variable);
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
            ssize_t count = part ? readlink(link, path, sizeof path - 1) : -1;
            if (count < 0) return 0;
            path[count] = 0;
            return strstr(path, part) != 0;
        }

        static int hangs(int descriptor) {
            const char *sign = getenv("HANG_WHEN");
            return (!sign || access(sign, F_OK) == 0) && concerns(descriptor, "HANG_READ");
        }

        static void hang(void) {
            close(creat("hanging", 0600));
            sleep(1);
        }

        int fsync(int descriptor) {
            if (concerns(descriptor, "SLOW_SYNC")) usleep((useconds_t)(atof(getenv("SLOW_SECONDS")) * 1e6));
            return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(descriptor);
        }

        ssize_t read(int descriptor, void *buffer, size_t size) {
            while (hangs(descriptor)) hang();
            return ((ssize_t (*)(int, void *, size_t))dlsym(RTLD_NEXT, "read"))(descriptor, buffer, size);
        }

        ssize_t pread(int descriptor, void *buffer, size_t size, off_t offset) {
            while (hangs(descriptor)) hang();
            return ((ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread"))(
                descriptor, buffer, size, offset);
        }
        """#

    /// Builds it.
    ///
    /// - Returns: the environment of a program that shall load it.
    static func environment(in scratch: Scratch, _ variables: [String: String]) throws -> [String: String] {
        let file = try scratch.write(source, to: "slow.c")
        let library = scratch.path("slow.so")
        let compiler = try RunningProgram(
            path: "/usr/bin/cc", ["-shared", "-fPIC", "-O1", "-o", library, file, "-ldl"], in: scratch
        ).wait(seconds: 60)
        try #require(compiler.code == 0, "\(compiler)")
        return variables.merging(["LD_PRELOAD": library]) { $1 }
    }
}

@Suite("slow disks", .serialized)
struct SlowDiskTests {
    @Test("a last checkpoint that takes long is waited for, and everybody hears meanwhile what the server does")
    func slowCheckpoint() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        let long = smallConfiguration().replacingOccurrences(of: "epochs: 2", with: "steps: 100000000")
            .replacingOccurrences(of: "every: 10,", with: "every: 1000000,")
        try scratch.write(long, to: "config.yaml")
        // Longer than workers wait for a sign of life, and than the supervisor once waited for the end.
        let environment = try SlowCalls.environment(
            in: scratch, ["SLOW_SYNC": "model.safetensors", "SLOW_SECONDS": "11"])
        let train = try RunningProgram(
            .rondo, ["train", "config.yaml", "--output", "run", "--workers", "1"], in: scratch,
            environment: environment)
        let endpoint = try train.endpoint(from: scratch.path("run/endpoint"))
        try scratch.waitForStep(3, at: endpoint)
        train.signal(SIGUSR1)
        var answers = 0
        while train.isRunning {
            let status = try scratch.run(.rondo, "status", endpoint)
            guard status.code == 0 else { break }
            #expect(status.seconds < 3, "\(status)")
            if status.output.contains("writing a checkpoint") { answers += 1 }
            usleep(500_000)
        }
        let ending = train.wait(seconds: 60)
        #expect(ending.code == 130 && ending.errors.contains("writing a checkpoint"), "\(ending)")
        #expect(answers > 5)
        #expect(FileManager.default.fileExists(atPath: scratch.path("run/checkpoints/latest/model.safetensors")))
        let log = try String(contentsOf: scratch.url("run/logs/worker-1.log"), encoding: .utf8)
        #expect(!log.contains("connecting anew"), "\(log)")
    }

    @Test("training with slow checkpoints ends with the same bits, and no worker is lost")
    func sameBits() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(
            smallConfiguration().replacingOccurrences(of: "every: 10,", with: "every: 60,"), to: "config.yaml")
        let environment = try SlowCalls.environment(
            in: scratch, ["SLOW_SYNC": "optimizer.safetensors", "SLOW_SECONDS": "1.5"])
        let slow = try scratch.run(
            .rondo, "train", "config.yaml", "--output", "slow", "--workers", "2", environment: environment)
        let quick = try scratch.run(.rondo, "train", "config.yaml", "--output", "quick", "--workers", "1")
        #expect(slow.code == 0 && quick.code == 0, "\(slow)\n\(quick)")
        #expect(try scratch.digest(ofRun: "slow") == scratch.digest(ofRun: "quick"))
        let log = try String(contentsOf: scratch.url("slow/logs/server.log"), encoding: .utf8)
        #expect(!log.contains("worker lost"), "\(log)")
    }

    @Test("a server that waits for a text which never comes answers, and ends at once when it is asked to")
    func hangingInput() throws {
        let scratch = try Scratch()
        try scratch.writeCorpus()
        try scratch.write(smallConfiguration(), to: "config.yaml")
        func environment(_ variables: [String: String]) throws -> [String: String] {
            try SlowCalls.environment(in: scratch, variables.merging(["HANG_READ": "corpus.txt"]) { $1 })
        }
        let port = 20_000 + Int(ProcessInfo.processInfo.processIdentifier) % 10_000
        let endpoint = "tcp://127.0.0.1:\(port)"
        let server = try RunningProgram(
            .server, ["config.yaml", "--output", "run", "--bind", endpoint], in: scratch,
            environment: environment(["HANG_WHEN": "run/server.lock"]))
        let deadline = Date().addingTimeInterval(20)
        while !server.errors.contains("preparing the data"), Date() < deadline { usleep(20_000) }
        let worker = try RunningProgram(.worker, ["--connect", endpoint, "--patience", "4"], in: scratch)
        let status = try scratch.run(.rondo, "status", endpoint)
        #expect(status.code == 0 && status.output.contains("preparing the data"), "\(status)")
        sleep(6)
        #expect(worker.isRunning, "\(worker.errors)")
        worker.signal(SIGKILL)
        try expectEndAtOnce(server)
        // Under the supervisor; and before there is a server, where the beginning of the text is looked at.
        for (output, sign) in [("trained", "trained/server.lock"), ("checked", ".")] {
            try? FileManager.default.removeItem(at: scratch.url("hanging"))
            let train = try RunningProgram(
                .rondo, ["train", "config.yaml", "--output", output, "--workers", "1"], in: scratch,
                environment: environment(["HANG_WHEN": sign]))
            let limit = Date().addingTimeInterval(30)
            while !FileManager.default.fileExists(atPath: scratch.path("hanging")), Date() < limit { usleep(20_000) }
            try expectEndAtOnce(train)
        }
    }

    private func expectEndAtOnce(_ program: RunningProgram) throws {
        #expect(program.isRunning, "\(program.errors)")
        let began = Date()
        program.signal(SIGINT)
        #expect(program.wait(seconds: 20).code == 130)
        #expect(Date().timeIntervalSince(began) < 4)
    }
}
