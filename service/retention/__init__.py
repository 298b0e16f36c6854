"""How long what is held is held: periods, holds, and what becomes of what is past its time."""
