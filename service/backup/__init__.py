"""A copy of everything that would be missed: the database as of one moment, the attachments, and what both must hold
when they are brought back."""
