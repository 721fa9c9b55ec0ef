"""The base of every process: settings, log, stats, files, threads."""
