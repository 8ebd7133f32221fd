"""What the API is, in OpenAPI 3.1: made from the types of bodies and answers."""
