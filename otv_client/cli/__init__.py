"""The command line. ``main`` joins the commands; each loads only what it needs."""
