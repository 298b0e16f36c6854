"""Every address of the API under generated requests, as everybody."""
