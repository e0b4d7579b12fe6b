"""The client of pygls (PyPI) against the server:

    python client.py KARPLINT POLICY

It opens the policy in a folder of its own, edits it, takes the quick fix, and looks whether all is well.
"""

import asyncio
import pathlib
import sys
import tempfile

from lsprotocol import types
from pygls.lsp.client import LanguageClient


def applied(text, edits):
    """The text with edits of ASCII columns."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    place = lambda at: starts[at.line] + at.character
    edits = sorted(edits, key=lambda edit: place(edit.range.start), reverse=True)
    for edit in edits:
        text = text[: place(edit.range.start)] + edit.new_text + text[place(edit.range.end) :]
    return text


async def main(karplint, policy):
    client = LanguageClient("test", "1")
    told = {}
    changed = asyncio.Event()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params):
        told[(params.uri, params.version)] = params.diagnostics
        changed.set()

    async def diagnostics(version):
        while (uri, version) not in told:
            changed.clear()
            await changed.wait()
        return told[(uri, version)]

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        (folder / "karplint.toml").write_text('karpenter = "1.14"\n')
        uri = (folder / "policy.json").as_uri()
        text = pathlib.Path(policy).read_text()
        await client.start_io(karplint, "lsp")
        await client.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(),
                workspace_folders=[types.WorkspaceFolder(uri=folder.as_uri(), name="x")],
            )
        )
        client.initialized(types.InitializedParams())
        client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(uri=uri, language_id="json", version=1, text=text)
            )
        )
        first = await diagnostics(1)
        assert [one.code for one in first] == ["missing-permission"], first
        # A letter that is too much, and away again.
        at = first[0].range.start
        after = types.Position(at.line, at.character + 1)
        for version, range, new in [
            (2, types.Range(at, at), "x"),
            (3, types.Range(at, after), ""),
        ]:
            client.text_document_did_change(
                types.DidChangeTextDocumentParams(
                    types.VersionedTextDocumentIdentifier(version=version, uri=uri),
                    [types.TextDocumentContentChangePartial(range=range, text=new)],
                )
            )
            known = await diagnostics(version)
        assert known == first, known
        identifier = types.TextDocumentIdentifier(uri=uri)
        hover = await client.text_document_hover_async(types.HoverParams(identifier, at))
        assert "ec2:RunInstances" in hover.contents.value, hover
        actions = await client.text_document_code_action_async(
            types.CodeActionParams(
                identifier, known[0].range, types.CodeActionContext(diagnostics=known)
            )
        )
        fix = next(one for one in actions if one.kind == types.CodeActionKind.QuickFix)
        client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=4, uri=uri),
                [types.TextDocumentContentChangeWholeDocument(text=applied(text, fix.edit.changes[uri]))],
            )
        )
        assert not await diagnostics(4), told
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
    print("clean")


asyncio.run(asyncio.wait_for(main(*sys.argv[1:]), 60))
