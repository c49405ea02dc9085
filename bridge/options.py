"""The base of everything that an operator writes as a mapping: a struct whose fields are its YAML keys."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Unknown keys are errors, and values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False, arbitrary_types_allowed=True)
