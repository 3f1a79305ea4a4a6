"""The command ``genesis-ops``, also as ``python -m genesis_ops``."""


def main() -> None:
    """Start from the command line.

    What is loaded at the start stays to the end, so that garbage is not looked for in it, then and when Python leaves:
    a fifth of the time that a short command takes.
    """
    import gc

    gc.disable()

    from genesis_ops.cli.app import main as command

    try:
        command()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
