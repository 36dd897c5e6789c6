"""What lies between the application and other machines: addresses, sockets, TLS, discovery."""
