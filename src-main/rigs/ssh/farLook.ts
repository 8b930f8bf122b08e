import { failure, success, type Result } from '../../core/result.ts';
import { agentsFolder, findNode } from './farFolder.ts';

/** What a look at a far machine found; nothing is written for it. */
export interface FarLook {
  /** As `uname -s` and `uname -m` name them. */
  readonly system: string;
  readonly machine: string;
  /** As Node says it, such as `v20.20.2`; null where there is none. */
  readonly node: string | null;
  readonly vfio: boolean;
  /** Where agents are kept there, for a person to read. */
  readonly folder: string;
  /** The folders of agents that are there. */
  readonly agents: readonly string[];
  /** The files of the agent that was asked for, as sha256 by their paths; empty when there is none. */
  readonly files: ReadonlyMap<string, string>;
}

/** Before each line of an answer: a login script may say something of its own. */
const mark = 'rbench-look';

/** Lists a folder's files with their sha256. CommonJS for any Node from 18 on; without a single quote. */
export const hashProgram = `
const { createHash } = require("node:crypto");
const { readdirSync, readFileSync } = require("node:fs");
const { join, relative } = require("node:path");
const walk = (root, folder) => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(root, path);
    else console.log("${mark} file " + createHash("sha256").update(readFileSync(path)).digest("hex") + " " + relative(root, path));
  }
};
walk(process.argv[1], process.argv[1]);
`;

/**
 * For sh on its standard input, so that no login shell reads it. `folder`: the agent's, without the machine at its end;
 * made of plain characters.
 */
export const lookScript = (folder: string): string => `
LC_ALL=C; export LC_ALL
say() { printf '${mark} %s %s\\n' "$1" "$2"; }
machine=$(uname -m)
say system "$(uname -s)"
say machine "$machine"
if [ -d /dev/vfio ]; then say vfio yes; else say vfio no; fi
agents=${agentsFolder}
say folder "$agents"
for entry in "$agents"/*/agent.mjs; do
  if [ -f "$entry" ]; then entry=\${entry%/agent.mjs}; say agent "\${entry##*/}"; fi
done
node=$(${findNode})
if [ -n "$node" ]; then
  version=$("$node" --version 2>/dev/null </dev/null)
  say node "$version"
  case "$version" in
    v1[89].*|v[2-9][0-9].*|v[1-9][0-9][0-9].*)
      if [ -d "$agents/${folder}-$machine" ]; then
        "$node" -e '${hashProgram}' "$agents/${folder}-$machine" </dev/null
      fi
      ;;
  esac
fi
say end -
`;

/** The marked lines, as pairs of words. */
export const markedLines = (text: string): readonly (readonly [string, string])[] =>
  text.split('\n').flatMap((line) => {
    const [, key, value] = new RegExp(`^${mark} (\\S+) (.*)$`).exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });

export const filesOf = (lines: ReturnType<typeof markedLines>): ReadonlyMap<string, string> =>
  new Map(
    lines.flatMap(([key, value]) => {
      const [, hash, path] = /^([0-9a-f]{64}) (.+)$/.exec(value) ?? [];
      return key === 'file' && hash !== undefined && path !== undefined ? [[path, hash] as const] : [];
    }),
  );

/** What the script answered. */
export const parseLook = (machineName: string, text: string): Result<FarLook> => {
  const lines = markedLines(text);
  const valueOf = (wanted: string): string | null => lines.find(([key]) => key === wanted)?.[1] ?? null;
  if (valueOf('end') === null) {
    return failure(
      'machineUnfit',
      `${machineName} does not run what it is asked to: its login shell has to run "sh" and give it its standard input.`,
      { details: { said: text.split('\n').slice(0, 20) } },
    );
  }
  return success({
    system: valueOf('system') ?? '',
    machine: valueOf('machine') ?? '',
    node: valueOf('node') === '' ? null : valueOf('node'),
    vfio: valueOf('vfio') === 'yes',
    folder: valueOf('folder') ?? '',
    agents: lines.flatMap(([key, value]) => (key === 'agent' ? [value] : [])),
    files: filesOf(lines),
  });
};
