"""An exchange on loopback: its own protocol, a generated market, and faults on request.

Written from the exchanges' documents and recordings alone, never from our parsers, so that one
misreading cannot hide in both.
"""
