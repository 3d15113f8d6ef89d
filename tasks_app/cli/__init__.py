"""The command line as people and programs see it: words, tables, documents, exit codes.

The commands in ``management/commands`` name the arguments and call a service;
what they show is made here.
"""
