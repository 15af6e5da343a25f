"""The verbs of the command line that live here."""
