"""The commands of `hotline`, a module for each group. Every module has `register(app)`.

They import what they run inside the functions, so that `hotline --help` is quick and a process that only becomes
another one loads nothing twice.
"""
