"""What makes a PDF with an attached e-invoice one of Factur-X: its metadata say so."""

import io

import pikepdf
from lxml import etree

from handlers.documents.cii import FILE_NAME

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
    "fx": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
}
PROPERTIES = (
    ("DocumentFileName", FILE_NAME, "The name of the attached invoice"),
    ("DocumentType", "INVOICE", "What kind of document is attached"),
    ("Version", "1.0", "The version of Factur-X"),
    ("ConformanceLevel", "EN 16931", "The profile that the attached invoice keeps to"),
)


def declared(content: bytes) -> bytes:
    """A PDF with its e-invoice attached, told in its metadata.

    All else stays, PDF/A-3b and PDF/UA-1 too; the same bytes each time.
    """
    declared = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        metadata = document.Root.Metadata
        metadata.write(_with_properties(metadata.read_bytes()))
        document.save(
            declared,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return declared.getvalue()


def _with_properties(metadata: bytes) -> bytes:
    """PDF/A asks that properties which it does not know are described, too."""
    tree = etree.fromstring(metadata)
    for path, added in ((".//rdf:RDF", _values()), (".//pdfaExtension:schemas/rdf:Bag", _schema())):
        place = tree.find(path, NAMESPACES)
        place.append(etree.fromstring(added))
    text: bytes = etree.tostring(tree.getroottree(), encoding="utf-8")
    return text


_DECLARED = " ".join(f'xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items())


def _values() -> str:
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in PROPERTIES)
    return f'<rdf:Description {_DECLARED} rdf:about="">{values}</rdf:Description>'


def _schema() -> str:
    described = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType>"
        "<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{about}</pdfaProperty:description></rdf:li>"
        for name, _, about in PROPERTIES
    )
    return (
        f'<rdf:li {_DECLARED} rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{NAMESPACES['fx']}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
