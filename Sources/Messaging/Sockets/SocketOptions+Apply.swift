// Hands SocketOptions to a socket of the library.

import CZeroMQ

extension SocketOptions {
    func apply(to socket: SocketHandle) throws(MessagingError) {
        if let simulated = socket.simulated { return simulated.configure(self) }
        try socket.set(ZMQ_LINGER, min(max(0, lingerMilliseconds), SocketOptions.lingerMillisecondsMax), "linger")
        try socket.set(ZMQ_SNDHWM, sendHighWaterMark, "sendHighWaterMark")
        try socket.set(ZMQ_RCVHWM, receiveHighWaterMark, "receiveHighWaterMark")
        guard frameBytesMax >= 0 else { throw .invalidOption("frameBytesMax") }
        try socket.set(ZMQ_MAXMSGSIZE, wide: Int64(frameBytesMax), "frameBytesMax")
        guard frameCountMax > 0 else { throw .invalidOption("frameCountMax") }
        try socket.set(ZMQ_SNDTIMEO, sendTimeoutMilliseconds.map { max(0, $0) } ?? -1, "sendTimeoutMilliseconds")
        try socket.set(ZMQ_RCVTIMEO, receiveTimeoutMilliseconds.map { max(0, $0) } ?? -1, "receiveTimeoutMilliseconds")
        if let routingIdentifier {
            try socket.set(ZMQ_ROUTING_ID, bytes: routingIdentifier.bytes, "routingIdentifier")
        }
        if socket.kind == .router {
            try socket.set(ZMQ_ROUTER_MANDATORY, reportsUnreachablePeers ? 1 : 0, "reportsUnreachablePeers")
            try socket.set(ZMQ_ROUTER_HANDOVER, handsOverRoutingIdentifiers ? 1 : 0, "handsOverRoutingIdentifiers")
        }
        try socket.set(ZMQ_IMMEDIATE, queuesOnlyForConnectedPeers ? 1 : 0, "queuesOnlyForConnectedPeers")
        if let tcpKeepAlive {
            try socket.set(ZMQ_TCP_KEEPALIVE, 1, "tcpKeepAlive")
            try socket.set(ZMQ_TCP_KEEPALIVE_IDLE, tcpKeepAlive.idleSeconds, "tcpKeepAlive.idleSeconds")
            try socket.set(ZMQ_TCP_KEEPALIVE_INTVL, tcpKeepAlive.intervalSeconds, "tcpKeepAlive.intervalSeconds")
            try socket.set(ZMQ_TCP_KEEPALIVE_CNT, tcpKeepAlive.probeCount, "tcpKeepAlive.probeCount")
        }
        try socket.set(ZMQ_RECONNECT_IVL, reconnectIntervalMilliseconds, "reconnectIntervalMilliseconds")
        try socket.set(ZMQ_RECONNECT_IVL_MAX, reconnectIntervalMillisecondsMax, "reconnectIntervalMillisecondsMax")
        try socket.set(ZMQ_CONNECT_TIMEOUT, connectTimeoutMilliseconds, "connectTimeoutMilliseconds")
        try socket.set(ZMQ_HANDSHAKE_IVL, handshakeTimeoutMilliseconds, "handshakeTimeoutMilliseconds")
        // The library's own heartbeats stay off: liveness is the cluster's business, with leases and deadlines.
        try socket.set(ZMQ_HEARTBEAT_IVL, 0, "heartbeat")
        if let listener { try socket.set(ZMQ_USE_FD, Int(listener), "listener") }
        try curve?.apply(to: socket)
    }
}

extension SocketHandle {
    func set(_ option: CInt, _ value: Int, _ name: String) throws(MessagingError) {
        guard var value = CInt(exactly: value) else { throw .invalidOption(name) }
        try check(zmq_setsockopt(raw, option, &value, MemoryLayout<CInt>.size), name)
    }

    func set(_ option: CInt, wide value: Int64, _ name: String) throws(MessagingError) {
        var value = value
        try check(zmq_setsockopt(raw, option, &value, MemoryLayout<Int64>.size), name)
    }

    func set(_ option: CInt, bytes: [UInt8], _ name: String) throws(MessagingError) {
        try check(zmq_setsockopt(raw, option, bytes, bytes.count), name)
    }

    private func check(_ result: CInt, _ name: String) throws(MessagingError) {
        guard result != 0 else { return }
        let error = LibraryError.last
        throw error.isInvalidArgument ? .invalidOption(name) : error.typed(.configuring)
    }
}
