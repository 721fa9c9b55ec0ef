"""What understands data: an exchange's messages become events, quietly."""
