"""What every room needs: errors, logging, metrics, database, Redis, clock, identifiers."""
