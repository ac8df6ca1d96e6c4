"""`python -m bot`, and what `countersign` is."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
