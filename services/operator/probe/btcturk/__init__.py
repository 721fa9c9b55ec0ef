"""Our assumptions about BtcTurk, and their tests."""
