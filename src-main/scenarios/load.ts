import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import { failure, success, type Result } from '../core/result.ts';
import { scenarioSchema, type ScenarioDocument } from './schema.ts';

export interface Scenario extends ScenarioDocument {
  /** File name without `.yaml`. */
  readonly name: string;
  /** One line for each step as it is written, for the timeline and the player. */
  readonly lines: readonly string[];
}

const suffix = '.yaml';

/** Line and column of the deepest node on the path that exists; a missing key is reported at its parent. */
const placeOf = (document: Document, lines: LineCounter, path: readonly PropertyKey[]): string => {
  for (let depth = path.length; depth >= 0; depth--) {
    const node: unknown = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
    if (range?.[0] === undefined) continue;
    const { line, col } = lines.linePos(range[0]);
    return `line ${line}, column ${col}`;
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

/** Parses one scenario. An error names the line and column, and nothing of the scenario is used. */
export const parseScenario = (name: string, text: string): Result<Scenario> => {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lineCounter.linePos(problem.pos[0]);
    return failure('scenarioMalformed', `${name}${suffix}, line ${line}, column ${col}: ${problem.message}.`);
  }
  if (!isMap(document.contents)) {
    return failure(
      'scenarioMalformed',
      `${name}${suffix}, line 1, column 1: a scenario is a mapping with a title.`,
    );
  }
  const parsed = scenarioSchema.safeParse(document.toJS());
  if (parsed.success) return success({ ...parsed.data, name, lines: stepLines(document, text) });
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const where = path.length === 0 ? '' : `${path.join('.')}: `;
  return failure(
    'scenarioMalformed',
    `${name}${suffix}, ${placeOf(document, lineCounter, path)}: ${where}${issue?.message ?? 'not a scenario'}.`,
  );
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
