import { gzipSync } from 'node:zlib';
import { agentsFolder, findNode } from './farFolder.ts';
import type { FarAgent } from './farAgent.ts';
import { hashProgram } from './farLook.ts';

/**
 * Writes the files of an agent into a folder beside the one that they are for, and puts it in place when all of them are
 * there as they were sent; a link that is lost meanwhile does not stop it. What does not get that far is removed, now or,
 * after a kill, with the next copy. CommonJS for any Node from 18 on; without a single quote. Arguments: the folder of
 * all agents, the agent's own; standard input: what `copyScript` packs.
 */
const program = `
const { createHash } = require("node:crypto");
const { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { gunzipSync } = require("node:zlib");
const [agents, name] = process.argv.slice(1);
let scratch = null;
const leave = () => { if (scratch !== null) rmSync(scratch, { recursive: true, force: true }); };
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"]) process.on(signal, () => {});
try {
  const { files } = JSON.parse(gunzipSync(Buffer.from(readFileSync(0, "latin1"), "base64")));
  mkdirSync(agents, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(agents)) {
    const path = join(agents, entry);
    if (!entry.startsWith(".copy-")) continue;
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > 3600000) rmSync(path, { recursive: true, force: true });
  }
  scratch = mkdtempSync(join(agents, ".copy-"));
  for (const { path, content, sha256 } of files) {
    const place = join(scratch, path);
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    writeFileSync(place, Buffer.from(content, "base64"), { mode: 0o600 });
    if (createHash("sha256").update(readFileSync(place)).digest("hex") === sha256) continue;
    throw new Error(path + " did not arrive as it was sent");
  }
  rmSync(join(agents, name), { recursive: true, force: true });
  renameSync(scratch, join(agents, name));
} catch (error) {
  leave();
  console.error("rbench-copy: " + error.message);
  process.exitCode = 1;
}
`;

/** For sh on its standard input; answers what lies there then, as `filesOf` reads it. */
export const copyScript = ({ folder, files }: FarAgent): string => {
  const packed = JSON.stringify({
    files: files.map(({ path, content, sha256 }) => ({ path, content: content.toString('base64'), sha256 })),
  });
  const lines =
    gzipSync(packed)
      .toString('base64')
      .match(/.{1,1000}/g) ?? [];
  return `
umask 077
node=$(${findNode})
agents=${agentsFolder}
"$node" -e '${program}' "$agents" '${folder}' <<'RBENCH-END' || exit 1
${lines.join('\n')}
RBENCH-END
"$node" -e '${hashProgram}' "$agents/${folder}" </dev/null
`;
};

/** How the copy's own words begin. */
export const copySays = 'rbench-copy: ';
