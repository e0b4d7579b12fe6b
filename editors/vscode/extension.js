// Starts `karplint lsp` and leaves the rest to the language client. There is nothing to build.
const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const LANGUAGES = ['json', 'jsonc', 'yaml', 'cloudformation', 'terraform', 'opentofu', 'terraform-vars'];

let client;

async function start() {
  const command = vscode.workspace.getConfiguration('karplint').get('path') || 'karplint';
  client = new LanguageClient(
    'karplint',
    'karplint',
    { command, args: ['lsp'] },
    {
      documentSelector: LANGUAGES.map((language) => ({ scheme: 'file', language })),
      // Kept by the server itself, which asks for the files that it wants to hear of.
      diagnosticCollectionName: 'karplint',
    },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const open = 'Open settings';
    const chosen = await vscode.window.showErrorMessage(
      `karplint does not start: ${error.message}. Install it, or say where it is.`, open);
    if (chosen === open) {
      await vscode.commands.executeCommand('workbench.action.openSettings', 'karplint.path');
    }
  }
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function restart() {
  await stop();
  await start();
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('karplint.restart', restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('karplint.path')) restart();
    }),
  );
  await start();
};

exports.deactivate = stop;
