from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest

from dqn_exp.config.errors import ConfigError
from dqn_exp.registry import Registry, import_modules, networks


@pytest.fixture
def registry() -> Registry:
    return Registry("shape", {"path": "pathlib:Path"})


def test_built_in_parts_are_found_by_name(registry: Registry) -> None:
    assert registry["path"] is Path


def test_a_part_of_ones_own_is_found_by_name(registry: Registry) -> None:
    @registry.register("square")
    def build() -> str:
        return "square"

    assert registry["square"]() == "square"
    registry.check("shape.name", "square")


def test_built_in_names_are_taken(registry: Registry) -> None:
    with pytest.raises(ValueError, match=r"shape 'path' is built in; choose another name"):
        registry.register("path")(Path)


def test_an_unknown_name_is_answered_with_the_known_ones(registry: Registry) -> None:
    registry.register("square")(Path)
    message = r"^shape.name: 'sqare' is unknown. Did you mean 'square'\? Allowed: path, square$"
    with pytest.raises(ConfigError, match=message):
        registry.check("shape.name", "sqare")
    with pytest.raises(ConfigError, match=r"^shape: 'circle' is unknown. Allowed: path, square$"):
        registry["circle"]


@pytest.mark.parametrize("name", ["os.system", "pathlib:Path", "torch.nn.Linear", "", "__class__"])
def test_a_name_is_no_import_path(registry: Registry, name: str) -> None:
    with pytest.raises(ConfigError, match="is unknown"):
        registry[name]


def test_imports_register_parts_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_parts.py").write_text(
        "import gymnasium\n"
        "from dqn_exp.registry import networks\n"
        "networks.register('my_network')(object)\n"
        "gymnasium.register('MyOwn-v0', entry_point='tests.probes:cycle')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import_modules(["my_parts"])
    assert networks["my_network"] is object
    assert "MyOwn-v0" in gymnasium.registry


def test_a_module_that_is_not_there_is_named() -> None:
    message = (
        r"^imports='no_such_module': No module named 'no_such_module'; allowed: modules that Python finds"
    )
    with pytest.raises(ConfigError, match=message):
        import_modules(["math", "no_such_module"])
