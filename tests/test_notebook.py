"""Notebooks in a real kernel: docs/notebook.ipynb from top to bottom, and the output of a cell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.program import ROOT, SMALL

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def execute(notebook: Any, folder: Path, **environment: str) -> Any:
    """`notebook` with the outputs of its cells, run in `folder`."""
    client = NotebookClient(notebook, timeout=1500, kernel_name="python3", store_widget_state=True)
    return client.execute(cwd=str(folder), env={**os.environ, "PYTHONPATH": str(ROOT), **environment})


def shown(notebook: Any, cell: int) -> dict[str, Any]:
    """What the last output of a cell is shown as, by media type."""
    output = [each for each in notebook.cells[cell].outputs if each.output_type != "stream"][-1]
    assert output.output_type != "error", output
    data: dict[str, Any] = output.data
    return data


def told(notebook: Any, cell: int) -> str:
    """All outputs of a cell as text."""
    return "".join(str(output) for output in notebook.cells[cell].outputs)


CALL = "dqn_exp.sweep(small, axes={'buffer': [500, '17k']}, seeds=1, directory='s')"
CELLS = (
    "import os, signal, threading, time\nfrom pathlib import Path\nimport dqn_exp\n"
    f"small = {SMALL | {'budget.env_steps': '6k', 'checkpoint.every_seconds': 0}}",
    "def interrupt():\n"
    "    while not list(Path('s').glob('*/checkpoint.safetensors')):\n"
    "        time.sleep(0.01)\n"
    "    os.kill(os.getpid(), signal.SIGINT)\n"
    "threading.Thread(target=interrupt).start()\n"
    f"try:\n    {CALL}\n"
    "except KeyboardInterrupt:\n"
    "    stopped = list(dqn_exp.Sweep('s').runs()['status'])\n"
    "stopped",
    f"sweep = {CALL}\nsweep",
    "maps = sweep.trial('buffer=500,seed=0').policy()\nmaps",
    "before = maps.png()\nmaps.sliders['cart position'].value += 0.5\nmaps.png() != before",
    "list(sweep.runs()['status'])",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    return execute(nbformat.v4.new_notebook(cells=cells), tmp_path_factory.mktemp("notebook"))


def test_an_interrupted_cell_goes_on_when_it_is_run_again(executed: Any) -> None:
    assert "interrupted" in shown(executed, 1)["text/plain"]
    assert "Interrupted. The same call continues." in told(executed, 1)
    assert shown(executed, 5)["text/plain"] == "['exhausted', 'exhausted']"


def test_a_sweep_shows_its_table_and_figure(executed: Any) -> None:
    page = shown(executed, 2)["text/html"]
    assert "How does buffer change" in page
    assert "data:image/png;base64," in page


def test_progress_is_a_widget_that_goes_when_all_is_done(executed: Any) -> None:
    assert "2 trials in s" in told(executed, 2)
    assert "exhausted after" not in told(executed, 2)  # lines are for a screen that cannot change


def test_sliders_move_the_maps(executed: Any) -> None:
    assert {"application/vnd.jupyter.widget-view+json", "image/png"} <= shown(executed, 3).keys()
    assert shown(executed, 4)["text/plain"] == "True"


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path) -> None:
    notebook = execute(nbformat.read(NOTEBOOK, 4), tmp_path, NOTEBOOK_SEEDS="1", NOTEBOOK_EPISODES="30")
    errors = [o for cell in notebook.cells for o in cell.get("outputs", ()) if o.output_type == "error"]
    assert not errors
    assert len(list(tmp_path.glob("outputs/sweeps/*/sweep.json"))) == 4


def test_what_is_shown_of_it_was_run() -> None:
    """Every cell of the notebook in the repository has been run, in order, and the file stays small."""
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    assert NOTEBOOK.stat().st_size < 500_000
