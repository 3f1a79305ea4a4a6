"""The formats a report can be had in (contract §6), each loaded when it is asked for."""

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genesis_ops.checks.model import Report

PLAIN_WIDTH = 80
"""How wide (cells) text is where no terminal says otherwise."""


class Format(StrEnum):
    """For whom a report is written."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    NAGIOS = "nagios"
    PROMETHEUS = "prometheus"
    MARKDOWN = "markdown"


class Wire(StrEnum):
    """For another host's genesis-ops: no format that anybody asks for by name."""

    REPORT = "wire"


FORMATS: dict[StrEnum, str] = {
    Wire.REPORT: "wire",
    Format.JSON: "as_json",
    Format.JUNIT: "junit",
    Format.NAGIOS: "nagios",
    Format.PROMETHEUS: "prometheus",
    Format.MARKDOWN: "markdown",
}
"""The modules whose ``render`` needs to know nothing but the report."""


def render(report: "Report", output_format: Format | Wire, *, width: int = PLAIN_WIDTH, unicode: bool = False) -> str:
    """Write a report in a format, whole lines; width (cells) and signs beyond ASCII are for text alone."""
    if output_format is Format.TEXT:
        from genesis_ops.report import text

        return text.render(report, width=width, unicode=unicode)
    module = import_module(f"genesis_ops.report.{FORMATS[output_format]}")
    return str(module.render(report))
