"""The simulated BtcTurk: its protocol, answers and markets."""
