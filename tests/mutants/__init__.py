"""The mutation run: how many small faults put into the rules the tests of the rules notice. See docs/mutation.md."""
