"""What any process stands on: settings, log, stats, files, threads."""
