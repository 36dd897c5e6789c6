"""``python -m otv_server`` is ``otv-server``."""

from otv_server.cli import main

main()
