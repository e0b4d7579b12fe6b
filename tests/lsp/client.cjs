// The client that VS Code is made with (npm: vscode-languageserver-protocol), against the server:
//     node client.cjs KARPLINT POLICY
// It opens the policy in a folder of its own, edits it, takes the quick fix, and looks whether all is well.
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { pathToFileURL } = require('url');
const rpc = require('vscode-languageserver-protocol/node');
const { TextDocument } = require('vscode-languageserver-textdocument');

const fail = (why) => { console.log(why); process.exit(1); };
setTimeout(() => fail('too slow'), 60000).unref();

(async () => {
  const [karplint, policy] = process.argv.slice(2);
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'karplint-')));
  const text = fs.readFileSync(policy, 'utf8');
  fs.writeFileSync(path.join(folder, 'karplint.toml'), 'karpenter = "1.14"\n');
  const uri = pathToFileURL(path.join(folder, 'policy.json')).href;
  const server = spawn(karplint, ['lsp', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => server.on('exit', resolve));
  const client = rpc.createProtocolConnection(server.stdout, server.stdin);
  const told = [];
  let wake = () => {};
  client.onNotification(rpc.PublishDiagnosticsNotification.type, (params) => { told.push(params); wake(); });
  let watched = false;
  client.onRequest(rpc.RegistrationRequest.type, () => { watched = true; });
  client.listen();
  const diagnostics = async (version) => {
    for (;;) {
      const found = told.find((params) => params.uri === uri && params.version === version);
      if (found) return found.diagnostics;
      await new Promise((resolve) => { wake = resolve; });
    }
  };

  const answer = await client.sendRequest(rpc.InitializeRequest.type, {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'x' }],
    capabilities: {
      workspace: {
        workspaceEdit: { documentChanges: true },
        didChangeWatchedFiles: { dynamicRegistration: true },
      },
      textDocument: { publishDiagnostics: { relatedInformation: true } },
    },
  });
  if (answer.capabilities.textDocumentSync.change !== rpc.TextDocumentSyncKind.Incremental) fail('not incremental');
  await client.sendNotification(rpc.InitializedNotification.type, {});

  let document = TextDocument.create(uri, 'json', 1, text);
  await client.sendNotification(rpc.DidOpenTextDocumentNotification.type, {
    textDocument: { uri, languageId: 'json', version: 1, text },
  });
  const first = await diagnostics(1);
  if (first.length !== 1 || first[0].code !== 'missing-permission') fail(JSON.stringify(first));

  // A line is put in above, as an editor does it.
  const changes = [{ range: rpc.Range.create(1, 0, 1, 0), text: '\n' }];
  document = TextDocument.update(document, changes, 2);
  await client.sendNotification(rpc.DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version: 2 }, contentChanges: changes,
  });
  const second = await diagnostics(2);
  if (second[0].range.start.line !== first[0].range.start.line + 1) fail(JSON.stringify(second));

  const hover = await client.sendRequest(rpc.HoverRequest.type, {
    textDocument: { uri }, position: second[0].range.start,
  });
  if (!hover.contents.value.includes('Write')) fail(JSON.stringify(hover));
  const names = await client.sendRequest(rpc.CompletionRequest.type, {
    textDocument: { uri }, position: rpc.Position.create(second[0].range.start.line, second[0].range.start.character + 4),
  });
  if (!names.items.some((item) => item.label === 'ec2:CreateFleet')) fail(JSON.stringify(names).slice(0, 200));

  const actions = await client.sendRequest(rpc.CodeActionRequest.type, {
    textDocument: { uri }, range: second[0].range, context: { diagnostics: second },
  });
  const fix = actions.find((action) => action.kind === rpc.CodeActionKind.QuickFix && action.isPreferred);
  const [edit] = fix.edit.documentChanges;
  if (edit.textDocument.version !== 2) fail(JSON.stringify(edit));
  const fixed = TextDocument.applyEdits(document, edit.edits);
  await client.sendNotification(rpc.DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version: 3 }, contentChanges: [{ text: fixed }],
  });
  const last = await diagnostics(3);
  if (last.length !== 0) fail(JSON.stringify(last));
  if (!watched) fail('no files are watched');
  await client.sendRequest(rpc.ShutdownRequest.type);
  await client.sendNotification(rpc.ExitNotification.type);
  const code = await gone;
  fs.rmSync(folder, { recursive: true });
  if (code !== 0) fail(`exit ${code}`);
  console.log('clean');
  process.exit(0);
})().catch((error) => fail(error.stack));
