import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
import { failure, success, type Result } from '../core/result.ts';
import { plainWords, strangeKey } from './chosenByKey.ts';
import { scenarioSchema, type ScenarioDocument } from './schema.ts';

export interface Scenario extends ScenarioDocument {
  /** File name without `.yaml`. */
  readonly name: string;
  /** One line for each step as it is written, for the timeline and the player. */
  readonly lines: readonly string[];
}

const suffix = '.yaml';

const place = (lines: LineCounter, offset: number): string => {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
};

/** Line and column of the deepest node on the path that exists; a missing key is reported at its parent. */
const placeOf = (
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  strange: string | undefined,
): string => {
  const holder: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (strange !== undefined && isMap(holder)) {
    const pair = holder.items.find((item) => isScalar(item.key) && item.key.value === strange);
    if (isScalar(pair?.key) && pair.key.range) return place(lines, pair.key.range[0]);
  }
  for (let depth = path.length; depth >= 0; depth--) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
    if (range?.[0] === undefined) continue;
    return place(lines, range[0]);
  }
  return 'line 1, column 1';
};

const stepLines = (document: Document, text: string): string[] => {
  const steps: unknown = document.get('steps', true);
  const items =
    (steps as { items?: readonly { range?: readonly number[] | null }[] } | undefined)?.items ?? [];
  return items.map((item) => {
    const [from = 0, to = 0] = item.range ?? [];
    return text.slice(from, to).replace(/\s+/g, ' ').trim();
  });
};

const unresolvedAlias = (document: Document): { name: string; offset: number } | null => {
  let found: { name: string; offset: number } | null = null;
  visit(document, {
    Alias: (_key, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      found = { name: alias.source, offset: alias.range?.[0] ?? 0 };
      return visit.BREAK;
    },
  });
  return found;
};

/** `step 3, expect.phase: `; steps are counted as `scenario show` and the timeline count them. */
const memberName = (path: readonly PropertyKey[]): string => {
  if (path.length === 0) return '';
  const [first, second, ...rest] = path;
  if (first !== 'steps' || typeof second !== 'number') return `${path.map(String).join('.')}: `;
  return `step ${second + 1}${rest.length === 0 ? '' : `, ${rest.map(String).join('.')}`}: `;
};

/** Parses one scenario. An error names the line and column, and nothing of the scenario is used. */
export const parseScenario = (name: string, text: string): Result<Scenario> => {
  const lineCounter = new LineCounter();
  const malformed = (where: string, what: string): Result<Scenario> =>
    failure('scenarioMalformed', `${name}${suffix}, ${where}: ${what.replace(/\.$/, '')}.`);
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const text = problem.code === 'MULTIPLE_DOCS' ? 'a file holds one scenario' : problem.message;
    return malformed(place(lineCounter, problem.pos[0]), text);
  }
  if (!isMap(document.contents)) {
    return malformed('line 1, column 1', 'a scenario is a mapping with a title');
  }
  const alias = unresolvedAlias(document);
  if (alias !== null) return malformed(place(lineCounter, alias.offset), `nothing is named &${alias.name}`);
  let content: unknown;
  try {
    content = document.toJS();
  } catch (thrown) {
    // Aliases of aliases, more than anybody writes by hand.
    return malformed('line 1, column 1', thrown instanceof Error ? thrown.message : String(thrown));
  }
  const parsed = scenarioSchema.safeParse(content, plainWords);
  if (parsed.success) return success({ ...parsed.data, name, lines: stepLines(document, text) });
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const where = placeOf(document, lineCounter, path, issue === undefined ? undefined : strangeKey(issue));
  const what = `${memberName(path)}${issue?.message ?? 'not a scenario'}`;
  return malformed(where, what.replace(/: is missing$/, ' is missing'));
};

export const scenarioNames = (directory: string): readonly string[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith(suffix))
    .map((file) => basename(file, suffix))
    .sort();

/** A scenario by name, or by the path of a file of the user's own. */
export const loadScenario = (directory: string, nameOrPath: string): Result<Scenario> => {
  const isPath = nameOrPath.endsWith(suffix) || nameOrPath.includes('/');
  const path = isPath ? nameOrPath : join(directory, `${nameOrPath}${suffix}`);
  try {
    return parseScenario(basename(path, suffix), readFileSync(path, 'utf8'));
  } catch (thrown) {
    const code = (thrown as { code?: string }).code ?? 'error';
    return isPath
      ? failure('unknownScenario', `The scenario file ${path} cannot be read (${code}).`)
      : failure(
          'unknownScenario',
          `There is no scenario "${nameOrPath}"; "rbench scenario list" names them.`,
        );
  }
};
