"""Annex: a Genesis API and an exchange in one small stateful program, for rehearsals and tests."""
