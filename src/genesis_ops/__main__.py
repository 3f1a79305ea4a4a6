"""Let ``python -m genesis_ops`` be the command ``genesis-ops``."""

from genesis_ops.cli.app import main

if __name__ == "__main__":
    main()
