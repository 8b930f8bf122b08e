import { parseArgs } from 'node:util';
import { failure, success, type Result } from '../core/result.ts';

export interface StartWords {
  /** The person wants the browser: by name, or by asking for what only `rbench serve` does. */
  readonly browser: boolean;
  /** Where the runs are kept, when it is said. */
  readonly runs: string | null;
  readonly forElectron: readonly string[];
  readonly forServe: readonly string[];
}

/**
 * The words of `npm start -- …`: `--browser`, what `rbench serve` takes, and Electron's switches, of which
 * `--no-sandbox` is known and others stand behind a second `--`.
 */
export const parseStartWords = (words: readonly string[]): Result<StartWords> => {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      strict: true,
      allowPositionals: true,
      options: {
        browser: { type: 'boolean', default: false },
        'no-sandbox': { type: 'boolean', default: false },
        port: { type: 'string' },
        runs: { type: 'string' },
        page: { type: 'string' },
        'no-journal': { type: 'boolean', default: false },
        open: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const stray = positionals.find((word) => !word.startsWith('--'));
    if (stray !== undefined)
      return failure('malformedInput', `"npm start" does not know what to do with "${stray}".`);
    const valued = (['port', 'runs', 'page'] as const).flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [`--${name}`, value];
    });
    const bare = (['no-journal', 'open', 'json'] as const).filter((name) => values[name]);
    const onlyServe = values.port !== undefined || values.page !== undefined || bare.length > 0;
    return success({
      browser: values.browser || onlyServe,
      runs: values.runs ?? null,
      forElectron: [...(values['no-sandbox'] ? ['--no-sandbox'] : []), ...positionals],
      forServe: [...valued, ...bare.map((name) => `--${name}`)],
    });
  } catch (thrown) {
    // Node adds advice for options that look like positionals; the first sentence is the error.
    const [sentence = ''] = (thrown as Error).message.split('. ');
    return failure('malformedInput', sentence.endsWith('.') ? sentence : `${sentence}.`);
  }
};
