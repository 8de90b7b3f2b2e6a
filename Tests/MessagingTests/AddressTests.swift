// Names and addresses: what may be bound and connected to, and what others are told of it.

import Foundation
import Messaging
import Testing

/// A server and a client exchange a message.
private func exchange(bind: String, connect: (Endpoint) -> Endpoint = { $0 }) throws -> Endpoint {
    let context = try Context()
    let router = try Socket(.router, in: context)
    let endpoint = try router.bind(Endpoint(bind))
    let dealer = try Socket(.dealer, in: context)
    try dealer.connect(connect(endpoint))
    try dealer.send(Frame(copying: Array("hello".utf8)))
    guard var message = try router.receiveMultipart(withinMilliseconds: 5000) else {
        Issue.record("nothing came to \(endpoint)")
        return endpoint
    }
    _ = message.popFirst()
    #expect(message.popFirst()?.text() == "hello")
    return endpoint
}

@Suite("An address")
struct AddressTests {
    static var hasIPv6: Bool { FileManager.default.fileExists(atPath: "/proc/net/if_inet6") }

    @Test("of IPv6 can be bound and connected to, and is of this machine alone", .enabled(if: hasIPv6))
    func loopbackOfIPv6() throws {
        let endpoint = try exchange(bind: "tcp://[::1]:*")
        #expect(endpoint.host == "::1" && endpoint.isLoopback && endpoint.advertised == endpoint)
        #expect(endpoint.probe(withinMilliseconds: 1000) == .refused)
        let router = try Socket(.router, in: Context())
        #expect(try router.bind("tcp://[::1]:*").probe(withinMilliseconds: 2000) == .listening)
    }

    @Test("of all interfaces, IPv6 included, is reached over either kind", .enabled(if: hasIPv6))
    func everywhere() throws {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let endpoint = try exchange(bind: "tcp://[::]:*") { Endpoint("tcp://\(host):\($0.port ?? 0)") }
            #expect(endpoint.isWildcard && !endpoint.isLoopback)
        }
    }

    /// A name that this machine's file of hosts gives to ::1.
    static var nameOfIPv6: Substring? {
        let names = (try? String(contentsOfFile: "/etc/hosts", encoding: .utf8)) ?? ""
        return names.split(separator: "\n").lazy.filter { $0.hasPrefix("::1") }
            .compactMap { $0.split(whereSeparator: \.isWhitespace).dropFirst().first }.first
    }

    @Test("a name that listens on IPv6 only is found there", .enabled(if: hasIPv6 && nameOfIPv6 != nil))
    func nameOfIPv6Only() throws {
        let name = try #require(Self.nameOfIPv6)
        _ = try exchange(bind: "tcp://[::1]:*") { Endpoint("tcp://\(name):\($0.port ?? 0)") }
    }

    @Test("can be a name: of the loopback interface, of this machine, or localhost")
    func names() throws {
        let loopback = FileManager.default.fileExists(atPath: "/sys/class/net/lo") ? "lo" : "lo0"
        for name in [loopback, "localhost"] {
            #expect(Endpoint("tcp://\(name):*").isLoopback)
            #expect(try exchange(bind: "tcp://\(name):*").isLoopback)
        }
        #expect(try Endpoint("tcp://localhost:0").bindingPlaces().first == "tcp://127.0.0.1:*")
    }

    @Test("that is unknown, not of this machine, or in use, is named with the reason")
    func reasons() throws {
        let context = try Context()
        let socket = try Socket(.router, in: context)
        func problem(_ text: String) -> String {
            do { return "\(try socket.bind(Endpoint(text)))" } catch { return "\(error)" }
        }
        let used = try Socket(.router, in: context).bind("tcp://127.0.0.1:*")
        let other = try Socket(.router, in: context)
        let taken = try other.bind("tcp://127.0.0.1:*")
        _ = used
        for (text, reason) in [
            ("tcp://no-such-host.invalid:5555", "no host and no interface of the name no-such-host.invalid"),
            ("tcp://192.0.2.1:5555", "no such address on this machine"),
            (taken.text, "the address is in use"),
            ("tcp://127.0.0.1:70000", "'70000' is not a number from 1 to 65535"),
            ("tcp://127.0.0.1", "the port is missing"),
            ("tcp://[::1]", "the port is missing"),
            ("tcp://::1:5625", "in brackets"),
            ("tcp://:5555", "the host is missing"),
            ("tcp://127.0.0.1:-1", "not a number from 1 to 65535"),
        ] {
            #expect(problem(text).contains(text) && problem(text).contains(reason), "\(problem(text))")
        }
    }

    @Test("to connect to needs a port and one host")
    func connecting() {
        #expect(Endpoint("tcp://127.0.0.1:0").problem(for: .connecting) != nil)
        #expect(Endpoint("tcp://127.0.0.1:0").problem(for: .binding) == nil)
        #expect(Endpoint("tcp://*:5").problem(for: .connecting) != nil)
        for text in ["tcp://[fe80::1%eth0]:5625", "tcp://node-7.example.org:5555", "ipc:///tmp/socket"] {
            #expect(Endpoint(text).problem(for: .connecting) == nil, "\(text)")
        }
        #expect(Endpoint("tcp://[fe80::1%eth0]:5625").host == "fe80::1%eth0")
    }

    @Test("that stands for all is told to others as one that they can connect to", arguments: ["0.0.0.0", "*"])
    func advertised(host: String) throws {
        let router = try Socket(.router, in: Context())
        let endpoint = try router.bind(Endpoint("tcp://\(host):*"))
        let told = endpoint.advertised
        #expect(!told.isWildcard && told.port == endpoint.port)
        #expect(told.probe(withinMilliseconds: 2000) == .listening)
    }
}
