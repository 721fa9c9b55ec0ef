from pathlib import Path
from types import SimpleNamespace

from services.operator.supervision.supervisorctl import make_plugin


class Controller:
    """What a plugin sees of supervisorctl."""

    def __init__(self, conf: Path) -> None:
        self.options = SimpleNamespace(configfile=str(conf))
        self.exitstatus = 0
        self.said: list[str] = []

    def output(self, text: str) -> None:
        self.said.append(text)


def test_health_says_what_status_says(tmp_path: Path) -> None:
    controller = Controller(tmp_path / "supervisor.conf")
    make_plugin(controller, state="elsewhere").do_health("")
    [text] = controller.said
    assert f"state {tmp_path / 'elsewhere'}" in text
    assert text.endswith("! nothing runs; start it with: booktape up")
    assert 1 == controller.exitstatus


def test_the_state_is_var_by_default_and_may_be_anywhere(tmp_path: Path) -> None:
    controller = Controller(tmp_path / "supervisor.conf")
    make_plugin(controller).do_health("")
    make_plugin(controller, state=str(tmp_path / "far")).do_health("")
    assert f"state {tmp_path / 'var'}" in controller.said[0]
    assert f"state {tmp_path / 'far'}" in controller.said[1]


def test_health_explains_itself(tmp_path: Path) -> None:
    controller = Controller(tmp_path / "supervisor.conf")
    make_plugin(controller).help_health()
    assert controller.said[0].startswith("health")
