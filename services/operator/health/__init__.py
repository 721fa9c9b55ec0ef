"""The health of every process, and the troubles that follow from it."""
