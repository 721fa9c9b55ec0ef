"""supervisord and its programs."""
