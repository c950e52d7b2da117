"""Redis pub/sub between processes: publish, the hub that reads, gap and refill."""
