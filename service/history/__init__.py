"""A hotline's history, taken in from another system's file by a mapping."""
