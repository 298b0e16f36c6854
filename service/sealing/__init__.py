"""All that is sealed: where it stands, under which keys, and how it comes under the newest."""
