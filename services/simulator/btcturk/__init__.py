"""BtcTurk as it is simulated: protocol, answers and markets."""
