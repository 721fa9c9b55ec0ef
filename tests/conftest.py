from hypothesis import settings

# A slow machine is no fault; a failure prints what reproduces it.
settings.register_profile("booktape", deadline=None, print_blob=True)
settings.load_profile("booktape")
