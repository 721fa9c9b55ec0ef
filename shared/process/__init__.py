"""Every process stands on these: settings, log, stats, files, threads."""
