"""``flask --app wsgi …``: what operators do from a shell."""
