"""The doors to an exchange: its sockets, its REST interface, its limits."""
