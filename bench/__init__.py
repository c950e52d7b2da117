"""What the README's figures are made with: ``script/bench pipeline|latency|sockets|fanout|…``."""
