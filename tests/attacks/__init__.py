"""What somebody tries who means harm. Each file is one kind of attempt; SECURITY.md says which test proves what."""
