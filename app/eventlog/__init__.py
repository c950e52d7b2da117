"""The partitioned log between the gateways and the drain."""
