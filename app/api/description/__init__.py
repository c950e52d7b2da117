"""What ``/openapi.json`` says: built from the routes, their schemas and what they really answer."""
