import { whatQuittingDoes } from '../service/quitting.ts';
import type { OpenWait } from '../service/waits.ts';
import { secondsLeft } from './waitWords.ts';

export interface QuitQuestion {
  readonly message: string;
  readonly detail: string;
  /** The first is the safe one: it is the default, and what Escape means. */
  readonly buttons: readonly ['Stay', 'Quit anyway'];
}

/** What to ask before quitting, or null when nothing waits. */
export const quitQuestion = (waits: readonly OpenWait[]): QuitQuestion | null => {
  if (waits.length === 0) return null;
  const each = waits.map(
    (wait) =>
      `${wait.device} on ${wait.rig} (${wait.protocol}, ${secondsLeft(wait)} left): ${whatQuittingDoes(wait.protocol)}`,
  );
  return {
    message:
      waits.length === 1
        ? 'A recovery waits for a decision. Quit anyway?'
        : `${waits.length} recoveries wait for a decision. Quit anyway?`,
    detail: [...each, 'Stay, and the time goes on running; decide in the tray “Awaiting approval”.'].join(
      '\n\n',
    ),
    buttons: ['Stay', 'Quit anyway'],
  };
};

export interface QuitGuardPorts {
  readonly waits: () => readonly OpenWait[];
  readonly ask: (question: QuitQuestion) => Promise<'stay' | 'quit'>;
  /** Starts the quitting again, once it is agreed to. */
  readonly quit: () => void;
}

/**
 * Listens where the app and its window are about to go. While something waits it holds them back and asks once; a
 * second attempt while the question is open asks nothing more.
 */
export const createQuitGuard = (ports: QuitGuardPorts): ((event: { preventDefault(): void }) => void) => {
  let stage: 'idle' | 'asking' | 'agreed' = 'idle';
  const ask = async (question: QuitQuestion): Promise<void> => {
    stage = 'asking';
    // A dialog that fails to open is no consent.
    const answer = await ports.ask(question).catch(() => 'stay' as const);
    stage = answer === 'quit' ? 'agreed' : 'idle';
    if (stage === 'agreed') ports.quit();
  };
  return (event) => {
    if (stage === 'agreed') return;
    const question = quitQuestion(ports.waits());
    if (question === null && stage === 'idle') return;
    event.preventDefault();
    if (stage === 'idle' && question !== null) void ask(question);
  };
};
