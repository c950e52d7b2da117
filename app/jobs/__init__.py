"""The door to Dramatiq: the broker, the message contracts, the bell."""
