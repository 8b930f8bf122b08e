import { duplexPair, type Duplex } from 'node:stream';
import { Monitor } from '../../../src-main/rigs/virtual/monitor.ts';

export interface Command {
  readonly execute: string;
  readonly arguments: Record<string, string>;
  readonly id: number;
}

/** A QEMU that answers as `answer` says; each command that it was told is kept. */
export const qemu = (answer: (command: Command) => object | null) => {
  const [near, far]: [Duplex, Duplex] = duplexPair();
  const told: Command[] = [];
  let text = '';
  far.on('data', (bytes: Buffer) => {
    text += bytes.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const command = JSON.parse(line) as Command;
      told.push(command);
      const reply = command.execute === 'qmp_capabilities' ? { return: {} } : answer(command);
      if (reply !== null) far.write(`${JSON.stringify({ ...reply, id: command.id })}\r\n`);
    }
  });
  far.write('{"QMP": {"version": {}, "capabilities": ["oob"]}}\r\n');
  return { monitor: new Monitor(near), far, told };
};
