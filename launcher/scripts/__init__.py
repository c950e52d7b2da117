"""What the files in ``script/`` do: set-up first, with the standard library alone."""
