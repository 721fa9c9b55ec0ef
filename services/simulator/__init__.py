"""An exchange on loopback: its own protocol, a generated market, and faults on request.

It follows the exchanges' documents and recordings alone, never our parsers, so that no misreading
hides in both.
"""
