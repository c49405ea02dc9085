"""The base of everything that an operator writes as a mapping: a struct whose fields are its YAML keys."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_validator

from bridge.values import Secret

Read = Callable[[Path], str]
"""Gives the text of a small file. Raises OSError, or ValueError with what is wrong and what to do."""


class Unreadable:
    """Stands in the place of a `*_file` key whose file gave no secret, so that the key itself is what is refused."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"<{self.reason}>"


class Options(BaseModel):
    """Unknown keys and wrong types are errors, and values do not change after loading.

    Types are strict: `no` is text and no boolean, "5" is no number, and a list in YAML is a `list` (a tuple is not).
    Each `Secret` field has a twin, `<field>_file`, that names a file to read it from. The validation context brings
    `directory`, which paths are relative to, and `read`, a `Read`; so this module itself touches no file.
    """

    later: ClassVar[frozenset[str]] = frozenset()
    """Keys that the format has, but not this version; they are refused in words of their own."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(given, dict):
            return given
        context = info.context or {}
        taken = dict(given)
        for name in secret_keys(cls):
            if (twin := f"{name}_file") in given:
                secret = _secret_in_file(given, name, context)
                taken[name] = secret if isinstance(secret, Secret) else given.get(name, Secret("unread"))
                if isinstance(secret, Secret):
                    del taken[twin]
                else:
                    taken[twin] = secret
        return taken


def secret_keys(model: type[BaseModel]) -> list[str]:
    """The YAML keys of a model that hold a secret and so have a `_file` twin."""
    return [field.alias or name for name, field in model.model_fields.items() if _is_secret(field.annotation)]


def resolve_path(path: object, info: ValidationInfo) -> Path:
    """A path, relative to the directory of the file that names it. Raises ValueError if it is not text."""
    if isinstance(path, Path):
        return path
    if not isinstance(path, str) or not path:
        raise ValueError("a path is text and not empty; write for example /etc/ssl/ca.pem")
    if "\0" in path:
        raise ValueError("a path cannot hold a NUL; remove it")
    return Path((info.context or {}).get("directory", ".")) / path


FilePath = Annotated[Path, BeforeValidator(resolve_path)]
"""A path in the rules file: relative to the file that names it. Whether it exists is not looked at."""


def _is_secret(annotation: object) -> bool:
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return any(_is_secret(member) for member in get_args(annotation))
    return annotation is Secret


def _secret_in_file(given: dict[str, object], name: str, context: Mapping[str, Any]) -> Secret | Unreadable:
    path = given[f"{name}_file"]
    if name in given:
        return Unreadable(f"stands beside {name!r}; keep one of the two")
    if not isinstance(path, str) or not path or "\0" in path:
        return Unreadable("is not a path; write the path of a file that holds the secret")
    if "read" not in context:
        return Unreadable(f"cannot be read here; write {name!r} itself")
    read: Read = context["read"]
    file = Path(context.get("directory", ".")) / path
    try:
        text = read(file).rstrip("\r\n")
    except OSError as error:
        return Unreadable(f"cannot be read ({error.strerror}); check the path and its permissions")
    except ValueError as error:
        return Unreadable(str(error))
    return Secret(text, file) if text.strip() else Unreadable("is empty; put the secret into it")
