import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import { failure, success, type Result } from '../core/result.ts';

export interface KnownRequest {
  readonly id: number;
  readonly command: CommandName;
  readonly input: unknown;
}

export interface UnreadableRequest {
  /** So that the answer finds its question, where there was one. */
  readonly id: number | null;
  readonly result: Result<never>;
}

const isCommandName = (name: unknown): name is CommandName => commandNames.some((known) => known === name);

const malformed = (id: number | null, message: string): UnreadableRequest => ({
  id,
  result: failure('malformedInput', message),
});

const parseJson = (text: string): Result<unknown> => {
  try {
    return success(JSON.parse(text));
  } catch {
    return failure('malformedInput', 'A message has to be JSON.');
  }
};

/** Reads `{ id, command, input }`. The input itself is parsed by who runs the command. */
export const parseRequest = (text: string): KnownRequest | UnreadableRequest => {
  const parsed = parseJson(text);
  if (!parsed.ok) return { id: null, result: parsed };
  if (typeof parsed.value !== 'object' || parsed.value === null || Array.isArray(parsed.value)) {
    return malformed(null, 'A message has to be an object { id, command, input }.');
  }
  const { id, command, input } = parsed.value as Record<string, unknown>;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) {
    return malformed(null, 'The id of a message has to be a whole number, not negative.');
  }
  if (!isCommandName(command)) return malformed(id, 'There is no such command.');
  return { id, command, input };
};
