"""How messages travel: envelopes in frames, over encrypted and authenticated ZeroMQ sockets."""
