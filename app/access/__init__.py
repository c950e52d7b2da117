"""Who is asking: keys, tokens, sessions and passwords, turned into an identity."""
