"""PostgreSQL: the tables, and every SQL statement, one file a noun."""
