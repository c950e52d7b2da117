"""The processes behind the queue: actors, one verb a file, and the clock."""
