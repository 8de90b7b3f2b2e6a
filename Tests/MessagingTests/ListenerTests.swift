// A port that outlives the sockets that serve it.

import Foundation
import Messaging
import Testing

@Suite("a listener that is handed over")
struct ListenerTests {
    private func server(_ listener: borrowing Listener, in context: Context) throws -> Socket {
        // As a child inherits it: a descriptor of its own.
        let descriptor = dup(listener.descriptor)
        let socket = try Socket(.router, in: context, options: .bounded.with { $0.listener = descriptor })
        #expect(try socket.bind(listener.endpoint) == listener.endpoint)
        return socket
    }

    @Test("one server after the other answers at the same port, and in between nobody can take it")
    func lives() throws {
        let listener = try Listener()
        #expect(Listener.isListening(listener.descriptor) && !Listener.isListening(0))
        let dealer = try Socket(.dealer, in: Context(), options: .bounded)
        try dealer.connect(listener.endpoint)
        for life in 1...3 {
            let context = try Context()
            let router = try server(listener, in: context)
            // What is asked while the port has no server waits for the next one.
            try dealer.send(Frame(copying: "question \(life)"))
            guard var message = try router.receiveMultipart(withinMilliseconds: hangSeconds * 1000),
                let name = message.popFirst(), let question = message.popFirst()
            else {
                Issue.record("life \(life) is asked nothing")
                return
            }
            #expect(question.text() == "question \(life)")
            try router.send(Frame(copying: "answer \(life)"), to: RoutingIdentifier(name))
            #expect(try dealer.receive().text() == "answer \(life)")
            router.close()
            #expect(context.terminate(withinMilliseconds: 5000))
            let thief = try Socket(.router, in: Context(), options: .bounded)
            #expect(throws: MessagingError.addressInUse(listener.endpoint)) { try thief.bind(listener.endpoint) }
        }
    }
}
