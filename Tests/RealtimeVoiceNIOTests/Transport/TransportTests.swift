import Testing

/// All tests with sockets, one after another: they share two event loops and some fill them.
@Suite(.serialized, .timeLimit(.minutes(5)))
enum TransportTests {}
