"""BtcTurk's assumptions, and how they are put to the test."""
