import subprocess
import sys
from pathlib import Path

GENERATOR = Path(__file__).parents[3] / "docs" / "generate.py"


def test_the_documents_are_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_the_generator_knows_one_option() -> None:
    done = subprocess.run([sys.executable, GENERATOR, "--chek"], capture_output=True, text=True, check=False)
    assert done.returncode == 2


def test_no_bar_of_a_pattern_splits_a_table_s_cell() -> None:
    rows = (GENERATOR.parent / "log-contract.md").read_text("utf-8").splitlines()
    widths = {row.replace("\\|", "").count("|") for row in rows if row.startswith("|")}
    assert widths == {3, 4}
