import { account, titled, type Account, type Explanation } from './explanation.ts';

/** What `rbench` exits with. */
export const exitCodes = {
  0: account(
    'The command did what was asked; a scenario saw everything that it expects.',
    'Every step succeeded.',
    'Nothing has to be done.',
  ),
  1: account(
    'The command ran, and its result is negative.',
    'A scenario did not see what it expects, or the device did not recover.',
    'Read the last lines of the output, or open the journal of the run.',
  ),
  2: account(
    'The command was not carried out, because it was not understood.',
    'An option, a name or a file is wrong.',
    'Read the message, and the help of the command.',
  ),
  3: account(
    'The command could not be carried out on this rig.',
    'The rig, the kernel or the disk refused; the message names the code and the errno.',
    'Ask for the explanation of that code.',
  ),
} as const satisfies Readonly<Record<number, Account>>;

export type ExitCode = keyof typeof exitCodes;

export const explainExitCode = (code: ExitCode): Explanation => titled(`exit code ${code}`, exitCodes[code]);
