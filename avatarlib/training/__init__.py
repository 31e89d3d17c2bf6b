"""All of training that needs no framework."""
