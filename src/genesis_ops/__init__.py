"""Run, judge and document a six-week paper-trading phase with one command."""

__version__ = "0.1.0"
