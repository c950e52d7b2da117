"""What is asked for often and changes seldom: kept in the process, over Redis, over PostgreSQL."""
