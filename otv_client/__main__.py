"""``python -m otv_client`` is ``otv-client``."""

from otv_client.cli.main import main

main()
