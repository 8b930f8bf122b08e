import { commands, type ParsedOf } from '../../preload/contract/commands.ts';
import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import { failure, success, type Result } from '../core/result.ts';
import type { CommandContext, Handler } from './commands/handler.ts';
import { handlers } from './commands/table.ts';
import { reportDefect } from './defects.ts';

const isCommand = (name: unknown): name is CommandName => (commandNames as readonly unknown[]).includes(name);

/** What was sent may be long, and is quoted in what is said of it. */
const shortened = (text: string): string => `${text.length > 300 ? `${text.slice(0, 300)}…` : text}.`;

const parse = <Name extends CommandName>(name: Name, input: unknown): Result<ParsedOf<Name>> => {
  try {
    const parsed = commands[name].input.safeParse(input);
    if (parsed.success) return success(parsed.data as ParsedOf<Name>);
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'input' : issue.path.map(String).join('.');
    const why = (issue?.message ?? 'not what is expected').replace(/\.$/, '');
    return failure('malformedInput', shortened(`${name}, ${where}: ${why}`));
  } catch {
    // An object from the same process can throw when it is read; nothing that crosses a boundary can.
    return failure('malformedInput', `${name}: the input cannot be read.`);
  }
};

const run = async <Name extends CommandName>(
  name: Name,
  input: unknown,
  context: CommandContext,
): Promise<Result<unknown>> => {
  const parsed = parse(name, input);
  if (!parsed.ok) return parsed;
  const { operator } = context.bench;
  if (commands[name].role === 'operator' && !operator.holds(context.caller.seat)) return operator.refusal();
  const handler: Handler<Name> = handlers[name];
  return handler(parsed.value, context);
};

/** Parses, checks who may, and runs one command. Whatever happens, the answer is a Result. */
export const execute = async (
  name: unknown,
  input: unknown,
  context: CommandContext,
): Promise<Result<unknown>> => {
  // Whoever calls from a listener may stand in the middle of a step; what is read here is read between two.
  await Promise.resolve();
  if (!isCommand(name)) return failure('malformedInput', 'There is no such command.');
  if (context.bench.closed) return failure('rigClosed', 'The bench is being closed.');
  try {
    return await run(name, input, context);
  } catch (thrown) {
    return { ok: false, error: reportDefect(`the command ${name}`, thrown) };
  }
};
