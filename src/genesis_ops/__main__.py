"""The command ``genesis-ops``, also as ``python -m genesis_ops``."""


def main() -> None:
    """Start from the command line."""
    import gc

    gc.disable()  # what is loaded now stays; looking for garbage in it takes a tenth of the start

    from genesis_ops.cli.app import main as command

    command()


if __name__ == "__main__":
    main()
