"""supervisord and its programs, as the commands see them."""
