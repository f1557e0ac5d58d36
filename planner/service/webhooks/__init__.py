"""Telling other systems what happened: who may be told, how it is signed, sent and tried again."""
