"""The base of all models: strict types, secrets from files, paths relative to the file that names them."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, ValidationError

from bridge.options import FilePath, Options
from bridge.values import Secret


def short(secret: Secret) -> Secret:
    if len(secret.reveal()) > 9:
        raise ValueError("too long; shorten it")
    return secret


class Door(Options):
    key: Annotated[Secret, AfterValidator(short)]
    spare: Annotated[Secret, AfterValidator(short)] | None = None
    plan: FilePath | None = None
    open: bool = False
    doors: int = 1


FILES = {Path("/etc/x/key"): "abc\r\n", Path("/abs"): " d e f \n", Path("/etc/x/empty"): "\n"}


def read(path: Path) -> str:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", str(path))
    return FILES[path]


def door(**given: Any) -> Door:
    return Door.model_validate(given, context={"directory": Path("/etc/x"), "read": read})


def test_a_secret_comes_from_the_file_that_its_twin_names() -> None:
    made = door(key_file="key", spare_file="/abs")
    assert made.key == Secret("abc")
    assert made.spare == Secret(" d e f ")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"key_file": "nope"}, "cannot be read (No such file or directory); check the path and its permissions"),
        ({"key_file": "empty"}, "is empty; put the secret into it"),
        ({"key_file": 5}, "is not a path; write the path of a file that holds the secret"),
        ({"key": "a", "key_file": "key"}, "stands beside 'key'; keep one of the two"),
    ],
)
def test_a_twin_that_gives_no_secret_is_refused_itself(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as raised:
        door(**given)
    (error,) = raised.value.errors()
    assert error["loc"] == ("key_file",)
    assert error["input"].reason == reason


def test_without_a_reader_no_file_is_read() -> None:
    with pytest.raises(ValidationError) as raised:
        Door.model_validate({"key_file": "key"})
    assert raised.value.errors()[0]["input"].reason == "cannot be read here; write 'key' itself"


def test_a_refused_value_is_not_in_the_error() -> None:
    with pytest.raises(ValidationError) as raised:
        door(key="hunter2-hunter2")
    assert "hunter2" not in str(raised.value)


def test_paths_are_relative_to_the_directory_of_the_file() -> None:
    assert door(key="a", plan="p.txt").plan == Path("/etc/x/p.txt")
    assert door(key="a", plan="/p.txt").plan == Path("/p.txt")


@pytest.mark.parametrize(
    "given", [{"open": "yes"}, {"open": 1}, {"doors": "2"}, {"doors": 2.0}, {"dors": 2}, {"plan": 5}]
)
def test_wrong_types_and_unknown_keys_are_errors(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        door(key="a", **given)


def test_values_do_not_change_after_loading() -> None:
    made = door(key="a")
    with pytest.raises(ValidationError):
        made.doors = 2  # type: ignore[misc]
