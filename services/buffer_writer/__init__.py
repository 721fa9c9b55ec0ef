"""The one writer: frames of every exchange become segments of the tape."""
